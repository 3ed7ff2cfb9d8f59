import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
import sharp from "sharp";
import {
  type Bytes,
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
} from "../images/samples.ts";
import { Caller } from "../support/caller.ts";
import { type ServerProcess, spawnServer } from "../support/server_process.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const STREAMS = 400;
const KEYS = 1_000;
const SAME_KEY = 100;
const JOBS = 1_100;
const KEPT_JOBS = 1_000;
const STALLED = 40;
const SLOW = 40;
/** How many callers there are at once. */
const AT_ONCE = 20;
/** How long `GET /healthz` may take at any moment, in milliseconds, on a machine that is busy with callers. */
const MAX_ANSWER_MS = 5_000;
/** How often it is asked, in milliseconds. */
const PULSE_MS = 50;
/** How much more memory the server may have in the end, garbage included, in bytes: a thousand jobs that are kept. */
const MAX_GROWTH = 400_000_000;

/** What is in a text that would be a line of the log, an event or a header of its own. */
const INJECTION =
  '"}\r\n{"event":"forged"}\n\nevent: forged\ndata: {}\r\nx-forged: 1\u2028\u2029\u0085\u001b[2J';

const STRANGE_PATHS = [
  "images/%0d%0ax-forged:%201/file",
  "images/codex-%0a%0aevent:%20forged/file",
  "jobs/gen_%0d%0a%7B%22event%22:%22forged%22%7D",
  "jobs/%e2%80%a8/events",
  "jobs/gen_x/candidates/%0a",
  "images?cursor=%0d%0ax-forged:1",
  "images?q=%0aevent:%20forged",
] as const;

Deno.test("floods, stalled readers, disguises and injections neither stop the server nor stay in it", async (test) => {
  await using server = await spawnServer({
    MAX_WORKERS: "1",
    MAX_QUEUE: "2000",
    UPLOAD_GRACE_MS: "300",
    IDLE_TIMEOUT_MS: "1500",
    HEADER_TIMEOUT_MS: "1000",
  });
  const { id: job, data: [{ id: image }] } = await (await server.generate({
    prompt: "a fox",
    count: 1,
  })).json();
  const busy = await startJob(server);
  await server.untilDrawing(2);
  const before = takeStock(server);
  await using pulse = takePulse(server);

  await test.step(`${STREAMS} streams of events with any Last-Event-ID`, async () => {
    const statuses = await many(STREAMS, async (index) => {
      const path = index % 2 === 0 ? "events" : `jobs/${job}/events`;
      const ids = ["0", "-1", "999999999", "9".repeat(4_000), "x-1", "%00"];
      const response = await fetch(`${server.url}/v1/${path}`, {
        headers: { "last-event-id": ids[index % ids.length] },
      });
      await response.body?.cancel();
      return response.status;
    });
    assertOnly(statuses, [200, 429]);
    await until(async () => {
      const response = await fetch(`${server.url}/v1/events`);
      await response.body?.cancel();
      return response.status === 200;
    });
  });

  await test.step(`${KEYS} keys for what is refused, and ${SAME_KEY} callers with one`, async () => {
    const refused = await many(
      KEYS,
      (index) =>
        statusOf(server.generate({ prompt: 5 }, {
          headers: { "idempotency-key": `${index}`.padEnd(255, "k") },
        })),
    );
    assertOnly(refused, [400]);
    const started = server.logLines("generate.start").length;
    const joined = await many(
      SAME_KEY,
      () =>
        statusOf(server.generate({ prompt: "a fox sandbox:hang" }, {
          headers: { "idempotency-key": "one", "prefer": "respond-async" },
        })),
    );
    assertOnly(joined, [202]);
    assertEquals(server.logLines("generate.start").length, started + 1);
  });

  await test.step(`${JOBS} jobs, of which ${KEPT_JOBS} are kept`, async () => {
    const ids = await many(JOBS, () => startJob(server));
    // The last first, so that nobody moves up and is told so.
    ids.reverse();
    const statuses = await many(ids.length, (index) =>
      statusOf(
        fetch(`${server.url}/v1/jobs/${ids[index]}`, { method: "DELETE" }),
      ));
    assertOnly(statuses, [200, 404]);
    await until(async () => {
      const { active, queued } = await server.workers();
      return active + queued === 2;
    }, { ms: 60_000 });
    const list = await fetch(`${server.url}/v1/jobs?limit=100`);
    assertEquals((await list.json()).data.length, 100);
    const jobs = join(server.place.dataDir, "jobs");
    // Beside those that are over there are two under way.
    await until(() => filesIn(jobs).length <= KEPT_JOBS + 2, { ms: 60_000 });
  });

  await test.step(`${STALLED} readers that stall in the middle of a picture`, async () => {
    const callers = await many(STALLED, async () => {
      const caller = await Deno.connect({ port: server.port });
      const request = [
        `GET /v1/images/${image}/file HTTP/1.1`,
        `Host: 127.0.0.1:${server.port}`,
        "\r\n",
      ].join("\r\n");
      // Of a single picture the system would take all that a reader leaves.
      await caller.write(new TextEncoder().encode(request.repeat(50)));
      return caller;
    });
    await until(() =>
      takeStock(server).openFiles <= before.openFiles + AT_ONCE
    );
    for (const caller of callers) caller.close();
  });

  await test.step(`${SLOW} bodies and trailers that drip`, async () => {
    const answers = await many(SLOW, async (index) => {
      using caller = await Caller.connect(server.port);
      const head = [
        "POST /v1/images/generate HTTP/1.1",
        `Host: 127.0.0.1:${server.port}`,
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        "\r\n",
      ].join("\r\n");
      const start = index % 2 === 0
        ? '5000\r\n{"pro'
        : "2\r\n{}\r\n0\r\nX-A: b\r\n";
      await caller.send(head + start);
      const drip = setInterval(() => void caller.send("X"), 50);
      const answer = await caller.read();
      clearInterval(drip);
      return answer.slice(0, 12);
    });
    assertOnly(answers, ["HTTP/1.1 408", "HTTP/1.1 400", ""]);
  });

  await test.step("pictures in disguise", async () => {
    for (const [what, bytes] of Object.entries(await disguises())) {
      const body = new FormData();
      body.set("prompt", "a fox");
      body.set("reference", new Blob([bytes], { type: "image/png" }), "a.png");
      const url = `${server.url}/v1/images/generate`;
      const response = await fetch(url, { method: "POST", body });
      const { error } = await response.json();
      assertEquals([response.status, error.code], [
        400,
        "invalid_reference",
      ], what);
    }
  });

  await test.step("lines, events and headers in what callers send", async () => {
    const reference = await encode(picture().png());
    const image = `data:image/png;base64,${reference.toBase64()}`;
    const started = await server.generate({
      prompt: `sandbox:hang ${INJECTION}`,
      references: [{ image, label: INJECTION, source: INJECTION }],
    }, { headers: { prefer: "respond-async" } });
    const location = started.headers.get("location");
    await started.body?.cancel();
    const injected = `${server.url}${location}`;
    await statusOf(fetch(injected, { method: "DELETE" }));
    const events = await (await fetch(`${injected}/events`)).text();
    const names = events.split(/\r\n|\r|\n/).filter((line) =>
      line.startsWith("event:")
    );
    assertOnly(names, ["event:progress", "event:error"]);
    for (const path of STRANGE_PATHS) {
      const response = await fetch(`${server.url}/v1/${path}`);
      await response.body?.cancel();
      assert(response.status < 500, path);
      assertEquals(response.headers.get("x-forged"), null);
    }
    // Each line is one of ours, or this would not read it.
    const logged = server.logLines().map(({ event }) => event);
    assert(!logged.includes("forged"));
  });

  await test.step("and nothing of it is left", async () => {
    await statusOf(
      fetch(`${server.url}/v1/jobs/${busy}`, { method: "DELETE" }),
    );
    await until(() => {
      const { openFiles } = takeStock(server);
      return openFiles <= before.openFiles + AT_ONCE;
    }, { state: () => JSON.stringify([before, takeStock(server)]) });
    const after = takeStock(server);
    assertLess(after.rss, before.rss + MAX_GROWTH);
    assertEquals(after.temporary, before.temporary);
    assertLess(pulse.longestMs, MAX_ANSWER_MS);
    assertEquals(
      server.logLines().filter(({ level }) => level === "error"),
      [],
    );
    assertEquals(await statusOf(server.generate({ prompt: 5 })), 400);
  });
});

/** Starts a job that hangs, or waits for one that does. */
async function startJob(server: ServerProcess): Promise<string> {
  const response = await server.generate({ prompt: "a fox sandbox:hang" }, {
    headers: { prefer: "respond-async" },
  });
  const { id } = await response.json();
  assertMatch(id, /^gen_/);
  return id;
}

/** Does something so many times, for a few callers at once. */
async function many<T>(
  times: number,
  call: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < times) {
      const index = next++;
      results[index] = await call(index);
    }
  }));
  return results;
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const { body, status } = await answer;
  await body?.cancel();
  return status;
}

function assertOnly<T>(found: readonly T[], expected: readonly T[]): void {
  const others = found.filter((one) => !expected.includes(one));
  assertEquals(others, []);
  assert(found.length > 0);
}

/** What a server has of the machine. */
function takeStock({ pid, place }: ServerProcess) {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return {
    rss: 1_024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
    openFiles: filesIn(`/proc/${pid}/fd`).length,
    temporary: filesIn(place.outputDir).filter((name) => name.endsWith(".tmp")),
  };
}

/** Asks again and again whether the server is well, and keeps the longest time that it took. */
function takePulse(server: ServerProcess) {
  const pulse = { longestMs: 0, isOver: false };
  const ended = (async () => {
    while (!pulse.isOver) {
      const started = performance.now();
      await server.workers();
      const ms = performance.now() - started;
      pulse.longestMs = Math.max(pulse.longestMs, ms);
      await delay(PULSE_MS);
    }
  })();
  return Object.assign(pulse, {
    [Symbol.asyncDispose]: async () => {
      pulse.isOver = true;
      await ended;
    },
  });
}

/** Files that are said to be PNG, and are something that decoders should never see. */
async function disguises(): Promise<Record<string, Bytes>> {
  const jpeg = await encode(picture().jpeg({ progressive: true }));
  const scan = jpeg.findIndex((byte, index) =>
    byte === 0xff && jpeg[index + 1] === 0xda
  );
  const end = jpeg.findIndex((byte, index) =>
    index > scan && byte === 0xff && ![0, 0xff].includes(jpeg[index + 1])
  );
  const scans = Array.from({ length: 5_000 }, () => jpeg.slice(scan, end));
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>';
  return {
    "a TIFF": await encode(sharp(jpeg).tiff()),
    "an SVG": concat(svg),
    "an SVG behind a PNG's signature": concat(PNG_SIGNATURE, svg),
    "a HEIC": concat([0, 0, 0, 24], "ftypheic", [0, 0, 0, 0], "mif1heic"),
    "an AVIF": await encode(picture().avif()),
    "a PDF": concat("%PDF-1.7\n"),
    "a JPEG of 5,000 scans": concat(
      jpeg.slice(0, scan),
      ...scans,
      jpeg.slice(-2),
    ),
    "a TIFF inside of a RIFF": concat("RIFF", [8, 0, 0, 0], "WEBPII*\0"),
  };
}
