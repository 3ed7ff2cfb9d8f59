import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type ErrorCode, toApiError } from "../../src/errors.ts";
import { JSON_PICTURES } from "../../src/api/references.ts";
import { GENERATE_FORM } from "../../src/api/form.ts";
import { isMultipart, readMultipart } from "../../src/http/multipart.ts";
import { readJson } from "../../src/http/json_body.ts";
import { type Bytes, concat, file, FORM_TYPE } from "./_multipart.ts";
import { watchEventLoop } from "../support/event_loop.ts";

const MB = 1_000_000;
/** How much comes at once: more than any connection gives. */
const PIECE_BYTES = 4 * MB;

/** What is sent: what stands first, what is repeated up to how many bytes, what stands last, and what is said of it. */
export const BODIES: Readonly<
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

/** How the reading of a body went. */
export interface Reading {
  readonly what: string;
  readonly code?: string;
  /** The longest time for which it held the event loop, in milliseconds. */
  readonly busyMs: number;
  /** How much more memory the process took meanwhile, garbage included, in bytes. */
  readonly growth: number;
}

declare global {
  /** Collects the garbage; there with `--expose-gc` alone. */
  var gc: (() => void) | undefined;
}

/** Reads some of the bodies in this process, which has nothing else to do, and prints how that went. */
async function main(names: readonly string[]): Promise<void> {
  const readings: Reading[] = [];
  for (const what of names) {
    // What the body before left behind is not this one's.
    globalThis.gc?.();
    const before = Deno.memoryUsage().rss;
    const [start, repeated, bytes, end] = BODIES[what];
    const type = typeof start === "string" ? "application/json" : FORM_TYPE;
    const watch = watchEventLoop();
    const code = await readAndForget(
      new Request("http://localhost/", {
        method: "POST",
        headers: { "content-type": type },
        body: compose([start, repeated, end], bytes),
      }),
    );
    const { busyMs, rss } = watch.stop();
    readings.push({ what, code, busyMs, growth: rss - before });
  }
  console.log(JSON.stringify(readings));
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

if (import.meta.main) await main(Deno.args);
