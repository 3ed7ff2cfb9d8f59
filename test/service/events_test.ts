import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { startTestService } from "../support/service.ts";
import { stepsOn, type TestServer } from "../support/test_server.ts";

const ASYNC = { headers: { prefer: "respond-async" } };

interface Told {
  readonly id: string;
  readonly event: string;
  // The data is JSON whose form these tests check.
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** Reads events until one is the last that is wanted, and hangs up. */
async function watch(
  server: TestServer,
  { isLast, lastEventId, onOpen }: {
    readonly isLast: (told: Told) => boolean;
    readonly lastEventId?: string;
    readonly onOpen?: () => Promise<unknown>;
  },
): Promise<Told[]> {
  const response = await fetch(`${server.url}/v1/events`, {
    headers: lastEventId === undefined ? {} : { "last-event-id": lastEventId },
  });
  assertEquals(response.status, 200);
  await onOpen?.();
  const all: Told[] = [];
  let fields: Record<string, string> = {};
  const lines = response.body?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()) ?? [];
  for await (const line of lines) {
    const [, name, value] = /^(\w+):\s?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields[name] = value;
    if (line !== "" || fields.data === undefined) continue;
    const told: Told = {
      id: fields.id,
      event: fields.event,
      data: JSON.parse(fields.data),
    };
    all.push(told);
    fields = {};
    if (isLast(told)) break;
  }
  return all;
}

function isEnd({ data, event }: Told): boolean {
  return event === "job" && data.ended_at !== null;
}

Deno.test("GET /v1/events", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  await step(
    "GET /v1/events tells of every job from its beginning to its end",
    async () => {
      const ends = new Set<string>();
      const all = await watch(server, {
        onOpen: async () => {
          await (await server.generate({ prompt: "a wren" }, ASYNC)).json();
          // Refused at once, it could have ended before anybody sees that it is drawn.
          const refused = {
            prompt: "an owl sandbox:moderation sandbox:slow=1500",
          };
          await (await server.generate(refused, ASYNC)).json();
        },
        isLast: (told) => {
          if (isEnd(told)) ends.add(told.data.id);
          return ends.size === 2;
        },
      });
      const statuses: string[] = [];
      for (const id of ends) {
        const own = all.filter(({ data }) => (data.job_id ?? data.id) === id);
        assertEquals(own[0].event, "job");
        assertEquals(own[0].data.ended_at, null);
        assert(
          own.some(({ data, event }) =>
            event === "progress" && data.phase === "drawing"
          ),
        );
        statuses.push(`${own.at(-2)?.event} ${own.at(-1)?.data.status}`);
      }
      assertEquals(statuses.sort(), ["completed completed", "error failed"]);
      assertEquals(all.filter(({ event }) => event === "image").length, 1);
    },
  );

  await step(
    "GET /v1/events begins with the jobs under way, also after what another life of the server has told, and goes on after Last-Event-ID",
    async () => {
      const body = { prompt: "a wren sandbox:slow=1500" };
      const { id } = await (await server.generate(body, ASYNC)).json();
      await server.untilDrawing(1);
      const [first] = await watch(server, { isLast: () => true });
      assertEquals([first.event, first.data.id], ["job", id]);
      const [anew] = await watch(server, {
        isLast: () => true,
        lastEventId: "0-1",
      });
      assertEquals(anew.data.id, id);
      assertNotEquals(anew.id, "0-1");
      const rest = await watch(server, {
        isLast: isEnd,
        lastEventId: first.id,
      });
      assertEquals(rest.filter(({ event }) => event === "job").length, 1);
      assertEquals(
        new Set([first, ...rest].map((told) => told.id)).size,
        rest.length + 1,
      );
    },
  );

  await step("a server ends with readers of GET /v1/events", async () => {
    const response = await fetch(`${server.url}/v1/events`);
    const ended = response.text();
    await server[Symbol.asyncDispose]();
    assertEquals((await ended).includes("event:"), false);
  });
});
