import { assertEquals, assertRejects } from "@std/assert";
import { PixelBudget } from "../../src/generation/pixel_budget.ts";

const { signal } = new AbortController();

Deno.test("PixelBudget.take() lets wait what does not fit, first come first served", async () => {
  const budget = new PixelBudget(10);
  const order: string[] = [];
  const first = await budget.take(6, signal);
  const second = budget.take(5, signal).then(note("second"));
  const third = budget.take(4, signal).then(note("third"));
  await settled();
  assertEquals(order, []);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  assertEquals(order, ["second", "third"]);

  function note(name: string) {
    return (share: Disposable) => {
      order.push(name);
      return share;
    };
  }
});

Deno.test("PixelBudget.take() gives all to who needs more than there is, and lets pass who needs none", async () => {
  const budget = new PixelBudget(10);
  using _all = await budget.take(99, signal);
  using _none = await budget.take(0, signal);
  await assertRejects(
    () => budget.take(1, AbortSignal.timeout(1)),
    DOMException,
  );
});

Deno.test("PixelBudget.take() lets others pass when somebody leaves", async () => {
  const budget = new PixelBudget(10);
  using _first = await budget.take(6, signal);
  const leaving = new AbortController();
  const second = budget.take(5, leaving.signal).catch((error) => error);
  const third = budget.take(4, signal);
  leaving.abort("gone");
  assertEquals(await second, "gone");
  using _third = await third;
});

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
