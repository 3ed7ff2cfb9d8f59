import { assert, assertEquals, assertMatch } from "@std/assert";
import sharp from "sharp";
import { canBrowse, useChromium } from "../browser/chromium.ts";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { handOver, visitStudio } from "./visit.ts";

const ignore = !await canBrowse();
const browser = useChromium();

Deno.test("pictures are asked for, seen and used", { ignore }, async (test) => {
  await using server = await startTestService({ SANDBOX: "1" });
  await using studio = await visitStudio(browser, { url: server.url });
  const { page, run } = studio;
  /** Begins each time as somebody who was never here. */
  const step = async (name: string, work: () => Promise<void>) => {
    await studio.forget();
    await test.step(name, work);
  };

  await step(
    "a run shows its candidates as they come, and after a reload again",
    async () => {
      await studio.generate(
        "a wren sandbox:moderation@2 sandbox:slow=1500@1",
        2,
      );
      await studio.untilSlots("failed");
      assertMatch(
        await run.locator(".failed").innerText(),
        /Blocked by the safety system/,
      );
      await page.reload();
      await studio.untilSlots("saved");
      assertEquals(await run.locator(".slot").count(), 2);
      assertMatch(await run.locator("h2").innerText(), /^a wren/);
      const alt = await run.locator("img").getAttribute("alt");
      assertMatch(alt ?? "", /^Candidate 1 of: a wren/);
      await page.locator("#progress", { hasText: "1 of 2 done" }).waitFor({
        state: "attached",
      });
    },
  );

  await step(
    "one candidate and a whole run can be canceled at once",
    async () => {
      await studio.generate("an owl sandbox:hang", 2);
      await studio.untilSlots("working", 2);
      await page.keyboard.press("Escape");
      await run.getByRole("button", { name: "Cancel candidate 2" }).click();
      assertEquals(await run.locator(".slot.canceled").count(), 1);
      await page.locator(".actions").getByText("Cancel").click();
      assertEquals(await run.locator(".slot.canceled").count(), 2);
      await server.untilIdle(5_000);
    },
  );

  await step(
    "references are dropped, pasted, checked, sent, and come back with the settings",
    async () => {
      const names = page.locator(".reference .name");
      await handOver(page, "drop", [
        { name: "red.png", bytes: await flatPicture("red") },
        { name: "notes.txt", bytes: new TextEncoder().encode("no picture") },
      ]);
      await names.first().waitFor();
      assertMatch(
        await page.locator(".problem").innerText(),
        /"notes.txt" is no PNG/,
      );
      await handOver(page, "paste", [{
        name: "blue.png",
        bytes: await flatPicture("blue"),
      }]);
      await names.nth(1).waitFor();
      await page.getByRole("button", { name: "Move blue.png forward" }).click();
      await page.check("input[value=reference]");
      await studio.generate("a kite");
      await studio.untilSlots("saved");
      const { data: [job] } = await (await fetch(`${server.url}/v1/jobs`))
        .json();
      assertEquals(
        job.answer.references.map(({ label }: { label: string }) => label),
        ["blue.png", "red.png"],
      );
      await page.getByRole("button", { name: "Remove red.png" }).click();
      await page.getByRole("button", { name: "Remove blue.png" }).click();
      await page.fill("#prompt", "something else");
      await run.getByRole("button", { name: "Reuse" }).click();
      await names.nth(1).waitFor();
      assertEquals(await page.inputValue("#prompt"), "a kite");
      assertEquals(await names.first().inputValue(), "blue.png");
      await page.getByRole("button", { name: "Undo" }).click();
      assertEquals(await page.inputValue("#prompt"), "something else");
    },
  );

  await step(
    "no more than sixteen references are taken, and the sixth is marked",
    async () => {
      const files = await Promise.all(
        Array.from({ length: 17 }, async (_, i) => ({
          name: `${i + 1}.png`,
          bytes: await flatPicture(`rgb(${i}, 9, 9)`),
        })),
      );
      await handOver(page, "drop", files);
      await page.getByText("16 is the most").waitFor();
      await page.getByText("At most 16 references: 1 picture left out")
        .waitFor();
      assertEquals(await page.locator(".reference").count(), 16);
      assertEquals(await page.locator(".reference.late").count(), 11);
      await page.getByRole("button", { name: "Remove 16.png" }).click();
      await page.evaluate(`(() => {
      const dataTransfer = new DataTransfer();
      const parts = [new Uint8Array([0x89, 0x50, 0x4e, 0x47]), new Uint8Array(60_000_000)];
      dataTransfer.items.add(new File(parts, "large.png"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    })()`);
      await page.getByText('"large.png" has 60.0 MB: at most 52.4 MB')
        .waitFor();
    },
  );

  await step("pictures are compared, flipped and closed by keys", async () => {
    await studio.generate("a heron", 2);
    await studio.untilSlots("saved", 2);
    const first = run.locator(".cell").first();
    await first.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const title = page.locator("#closeup-title");
    await title.getByText("2 of 2").waitFor();
    await page.keyboard.press("1");
    await title.getByText("1 of 2").waitFor();
    await page.keyboard.press(" ");
    await title.getByText("2 of 2").waitFor();
    await page.keyboard.press("c");
    await page.keyboard.press("+");
    await page.locator(".pane").nth(1).waitFor();
    const zoomed = `[...document.querySelectorAll(".moved")]
        .map(({ style }) => style.transform).join()`;
    const wanted = Array(2).fill("translate(0%, 0%) scale(1.5)").join();
    await until(async () => await page.evaluate(zoomed) === wanted);
    await page.keyboard.press("Escape");
    await page.locator(".closeup[open]").waitFor({ state: "detached" });
    const focused = await page.evaluate("document.activeElement.className");
    assertEquals(focused, "cell");
  });

  await step(
    "a picture becomes a reference by its key, and is deleted with Undo by another",
    async () => {
      await studio.generate("a pond");
      await studio.untilSlots("saved");
      await run.locator(".cell").focus();
      await page.keyboard.press("e");
      const reference = page.locator(".reference");
      await reference.locator("img").waitFor();
      await studio.generate("a lake");
      await page.locator(".run").nth(1).waitFor();
      await studio.untilSlots("saved");
      const { data: [job] } = await (await fetch(`${server.url}/v1/jobs`))
        .json();
      assertMatch(job.request.references[0].id, /^codex-/);
      await reference.getByRole("button", { name: /^Remove/ }).click();
      await run.getByRole("button", { name: "Reuse" }).click();
      await reference.locator("img").waitFor();
      await run.locator(".cell").focus();
      await page.keyboard.press("Delete");
      await studio.untilSlots("deleted");
      await page.getByRole("button", { name: "Undo" }).click();
      await studio.untilSlots("saved");
    },
  );

  await step("a job of another program appears while it is drawn", async () => {
    const answer = await server.generate({ prompt: "a gull" }, {
      headers: { prefer: "respond-async" },
    });
    const { id } = await answer.json();
    const run = page.locator(`[data-run="${id}"]`);
    await run.getByText("From another program").waitFor();
    await run.locator(".slot.saved").waitFor();
  });

  await step(
    "the draft outlives a reload, and what is too long is not sent",
    async () => {
      await page.fill("#prompt", "x".repeat(40_000));
      await page.getByRole("button", { name: "Generate" }).click();
      await page.getByText("The prompt has 40,000 characters: at most 32,000")
        .waitFor();
      await page.reload();
      assertEquals((await page.inputValue("#prompt")).length, 40_000);
    },
  );

  await step(
    "the form is shown as a program that asks for the same",
    async () => {
      await page.fill("#prompt", "it's a fox");
      await page.locator("summary", { hasText: "As code" }).click();
      const code = await page.locator("pre").innerText();
      const { stdout } = await new Deno.Command("sh", { args: ["-c", code] })
        .output();
      const answer = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals(answer.data.length, 4);
      assert(code.includes(server.url));
    },
  );

  await step(
    "a server that went away is said, and what runs is found when it is back",
    async () => {
      await page.context().setOffline(true);
      await studio.generate("a finch");
      await page.getByText("Trying again; the draft is safe").waitFor();
      assertEquals(await page.inputValue("#prompt"), "a finch");
      await page.locator(".problem").waitFor();
      await page.context().setOffline(false);
      await until(async () =>
        await page.getByText("Trying again; the draft is safe").count() === 0
      );
      assertEquals(await page.locator(".problem").count(), 0);
    },
  );

  await test.step("the page works where the browser keeps nothing", async () => {
    await using studio = await visitStudio(browser, {
      url: server.url,
      before:
        `for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
      Object.defineProperty(window, name, { get() { throw new Error("forbidden"); } });
    }`,
    });
    await studio.page.getByText("The browser does not keep the draft")
      .waitFor();
    await studio.generate("a swan");
    await studio.untilSlots("saved");
  });
});

Deno.test("a run tells why it failed, and lets its prompt be changed", {
  ignore,
}, async () => {
  await using server = await startTestService({ SANDBOX: "1" });
  await using studio = await visitStudio(browser, { url: server.url });
  const titles = studio.run.locator("h3");
  await studio.generate("a crane sandbox:refuse@1 sandbox:no-image@2", 2);
  await studio.untilSlots("failed", 2);
  assertEquals(await titles.allInnerTexts(), [
    "The model answered in words",
    "Codex made no picture",
  ]);
  await studio.run.getByRole("button", { name: "Edit and retry" }).first()
    .click();
  await studio.page.locator("#prompt:focus").waitFor();
  for (
    const [word, title] of [
      ["expired-login", "Codex is not logged in"],
      ["usage-limit", "Usage limit reached"],
    ]
  ) {
    await studio.generate(`a crane sandbox:${word}`);
    await titles.getByText(title).waitFor();
  }
});

async function flatPicture(background: string): Promise<Uint8Array> {
  return await sharp({
    create: { width: 64, height: 48, channels: 3, background },
  }).png().toBuffer();
}
