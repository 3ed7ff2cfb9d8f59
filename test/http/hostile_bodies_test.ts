import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type ErrorCode, toApiError } from "../../src/errors.ts";
import { JSON_PICTURES } from "../../src/api/references.ts";
import { GENERATE_FORM } from "../../src/api/form.ts";
import { isMultipart, readMultipart } from "../../src/http/multipart.ts";
import { readJson } from "../../src/http/json_body.ts";
import { type Bytes, concat, file, FORM_TYPE } from "./_multipart.ts";

/** How long the event loop may work without a pause, in milliseconds. */
const MAX_BUSY_MS = 50;
/** How much more memory the process may take, garbage included. */
const MAX_GROWTH = 96_000_000;
const MB = 1_000_000;
/** How much comes at once: more than any connection gives. */
const PIECE_BYTES = 4 * MB;

/** What is sent: what stands first, what is repeated up to how many bytes, what stands last, and what is said of it. */
const BODIES: Readonly<
  Record<
    string,
    readonly [
      start: string | Bytes,
      repeated: string,
      bytes: number,
      end: string,
      code?: ErrorCode,
    ]
  >
> = {
  "91 MB of objects in objects": [
    '{"prompt":"x","size":',
    '{"34":',
    91 * MB,
    "1",
    "invalid_json",
  ],
  "29 MB of empty references": [
    '{"prompt":"x","references":[',
    "{},",
    29 * MB,
    "{}]}",
    "invalid_json",
  ],
  "a million unknown keys": [
    "{",
    '"abcdef":1,',
    11.6 * MB,
    '"prompt":"x"}',
    "invalid_json",
  ],
  "a prompt of 90 MB": ['{"prompt":"', "x", 90 * MB, '"}', "body_too_large"],
  "90 MB of white space": ["{", " ", 90 * MB, "}", "body_too_large"],
  "a number of 90 MB": ['{"count":', "1", 90 * MB, "}", "body_too_large"],
  "90 MB of backslashes": [
    '{"prompt":"',
    "\\\\",
    90 * MB,
    '"}',
    "body_too_large",
  ],
  "a data URL of 96 MB": [
    '{"references":[{"image":"data:image/png;base64,',
    "AAAA",
    96 * MB,
    '"}]}',
    "invalid_reference",
  ],
  "a data URL of 69 MB": [
    '{"references":[{"image":"data:image/png;base64,',
    "QUJD",
    69 * MB,
    '"}]}',
  ],
  "a data URL of 96 MB in escapes": [
    '{"references":[{"image":"data:image/png;base64,',
    "\\u0041",
    96 * MB,
    '"}]}',
  ],
  "a data URL of 96 MB of line ends": [
    '{"references":[{"image":"data:image/png;base64,QUJD',
    "\\n",
    96 * MB,
    '"}]}',
  ],
  "a form with a file of 52 MB": [
    file("reference", "a.png", "").slice(0, -2),
    "x",
    52 * MB,
    "\r\n------form--",
  ],
  "a form with a file of almost boundaries": [
    file("reference", "a.png", "").slice(0, -2),
    "\r\n------for",
    52 * MB,
    "\r\n------form--",
  ],
};

for (
  const [what, [start, repeated, bytes, end, code]] of Object.entries(BODIES)
) {
  Deno.test(`${what} neither holds the event loop nor fills the memory, and leaves nothing on disk`, async () => {
    const type = typeof start === "string" ? "application/json" : FORM_TYPE;
    const before = Deno.memoryUsage().rss;
    const ticks = measureTicks();
    const read = await readAndForget(
      new Request("http://localhost/", {
        method: "POST",
        headers: { "content-type": type },
        body: compose([start, repeated, end], bytes),
      }),
    );
    const { busyMs, rss } = ticks.stop();
    assertEquals(read, code);
    assert(busyMs <= MAX_BUSY_MS, `The longest tick worked for ${busyMs} ms`);
    const growth = rss - before;
    assert(growth <= MAX_GROWTH, `The memory grew by ${growth} bytes`);
  });
}

/** Reads a body as the routes do, and tells what is wrong with it. */
async function readAndForget(request: Request): Promise<string | undefined> {
  const parent = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const options = {
    directory: join(parent, "upload"),
    maxBytes: 100_663_296,
    maxFileBytes: 52_428_800,
    maxFiles: 16,
  };
  const files = { ...options, ...JSON_PICTURES };
  const form = { ...options, shape: GENERATE_FORM, maxFields: 64 };
  try {
    await using _ = isMultipart(request)
      ? await readMultipart(request, form)
      : await readJson(request, { ...options, files });
    return undefined;
  } catch (error) {
    return toApiError(error).code;
  } finally {
    assertEquals([...Deno.readDirSync(parent)], []);
    await Deno.remove(parent);
  }
}

/** Streams a body without having all of it in memory. */
function compose(
  [start, repeated, end]: readonly [string | Bytes, string, string],
  bytes: number,
): ReadableStream<Bytes> {
  const piece = concat(repeated.repeat(PIECE_BYTES / repeated.length));
  const count = Math.floor(bytes / piece.length);
  return ReadableStream.from((function* () {
    yield concat(start);
    for (let n = 0; n < count; n++) yield piece;
    yield concat(end);
  })());
}

/** Measures how long the event loop works without a pause and how much memory there is, until it is told to stop. */
function measureTicks() {
  let last = workedMs();
  let busyMs = 0;
  let rss = 0;
  const tick = () => {
    const now = workedMs();
    busyMs = Math.max(busyMs, now - last);
    last = now;
    rss = Math.max(rss, Deno.memoryUsage().rss);
  };
  const timer = setInterval(tick, 1);
  return {
    stop() {
      clearInterval(timer);
      tick();
      return { busyMs, rss };
    },
  };
}

/** Tells for how long this thread has run so far: by the clock, other processes would count, too. */
function workedMs(): number {
  const [ns] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
  return Number(ns) / 1e6;
}
