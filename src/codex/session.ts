import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { removeIfExists, startStopwatch, tryParseJson } from "../util.ts";
import { waitForChange, watchChanges } from "./file_changes.ts";

/** Lines longer than this hold pictures; what matters stands at their beginning. */
const LINE_BYTES = 131_072;
const READ_BYTES = 262_144;
const NEWLINE = 0x0a;
/** How often to look for a tool call where the system tells of no change, in milliseconds. */
const CALL_POLL_MS = 50;
/** How long a finished picture waits for the record of it, in milliseconds. */
const FACTS_MS = 80;
const FACTS_POLL_MS = 3;
/** The paths of a tool call in a program, where they stand there as a list of texts. */
const PATH_LIST =
  /referenced_image_paths["']?\s*:\s*\[((?:[^\]"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)*)\]/g;
const TEXT = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g;

/** What the CLI's session file tells about a worker. */
export interface SessionSummary {
  /** The calls of the image tool: JSON arguments, or the program that makes the call. */
  readonly toolCalls: readonly string[];
  /** The state of the account's quota before the picture, in the CLI's words; undefined where it has not told it. */
  readonly rateLimits: unknown;
  /** The prompt that the image tool got, once it has answered. */
  readonly revisedPrompt: string | undefined;
  /** Tokens of all model calls so far. */
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
  };
}

/** What the CLI keeps of one thread, followed while it runs and removed afterwards. */
export interface SessionFollower {
  /** The directory in which the thread's pictures appear. */
  readonly pictures: string;
  /**
   * Never resolves; rejects with what the listener throws at a tool call.
   *
   * @param signal Ends the looking.
   */
  watchToolCalls(signal: AbortSignal): Promise<never>;
  /** What is known once the picture is there. */
  facts(): Promise<SessionSummary>;
  /** Removes everything of the thread. */
  remove(): Promise<void>;
}

/** What is known before the session file tells anything. */
export const EMPTY_SUMMARY: SessionSummary = {
  toolCalls: [],
  rateLimits: undefined,
  revisedPrompt: undefined,
  usage: { inputTokens: 0, outputTokens: 0 },
};

/**
 * Follows the session file of one thread.
 *
 * The format belongs to the CLI and may change, so nothing that is missing or odd is an error.
 */
export class SessionTail {
  readonly #path: string;
  readonly #toolCalls: string[] = [];
  #offset = 0;
  #isCut = false;
  #rateLimits: unknown;
  #revisedPrompt: string | undefined;
  #inputTokens = 0;
  #outputTokens = 0;

  /** @param path The file, from {@linkcode findSession}. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Reads on, up to the first line with a picture, and tells everything known. */
  async read(): Promise<SessionSummary> {
    const longest = this.#isCut ? Infinity : LINE_BYTES;
    const bytes = this.#skipCut(
      await readFrom(this.#path, { offset: this.#offset, longest }),
    );
    for (const line of lines(bytes)) this.#take(line);
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    this.#offset += whole;
    // What matters of a line with a picture is there long before its end; no megabyte is read twice.
    const part = bytes.subarray(whole);
    if (part.length >= LINE_BYTES) {
      this.#take(new TextDecoder().decode(part.subarray(0, LINE_BYTES)));
      this.#offset += part.length;
      this.#isCut = true;
    }
    return {
      toolCalls: [...this.#toolCalls],
      rateLimits: this.#rateLimits,
      revisedPrompt: this.#revisedPrompt,
      usage: {
        inputTokens: this.#inputTokens,
        outputTokens: this.#outputTokens,
      },
    };
  }

  // The rest of a line whose beginning is taken already.
  #skipCut(bytes: Uint8Array): Uint8Array {
    if (!this.#isCut) return bytes;
    const end = bytes.indexOf(NEWLINE);
    this.#isCut = end === -1;
    const rest = end === -1 ? bytes.length : end + 1;
    this.#offset += rest;
    return bytes.subarray(rest);
  }

  #take(line: string): void {
    if (line.includes('"type":"token_usage_record"')) {
      const usage = object(object(parse(line)?.payload).usage);
      this.#inputTokens += count(usage.input_tokens);
      this.#outputTokens += count(usage.output_tokens);
    } else if (line.includes('"type":"token_count"')) {
      this.#rateLimits = object(parse(line)?.payload).rate_limits ??
        this.#rateLimits;
    } else if (/"type":"(?:custom_tool|function)_call"/.test(line)) {
      const call = object(parse(line)?.payload);
      const text = call.arguments ?? call.input;
      // A program that makes the call names the tool itself.
      const isImageCall = call.name === "imagegen" ||
        `${text}`.includes("imagegen");
      if (isImageCall && typeof text === "string") this.#toolCalls.push(text);
    } else if (line.includes('"kind":"image_gen.generation"')) {
      this.#revisedPrompt = jsonString(line, "revisedPrompt") ??
        this.#revisedPrompt;
    }
  }
}

/**
 * Finds the session file of a thread.
 *
 * @param home The CLI's home.
 * @param threadId The thread.
 * @param started When the worker started: the files lie in a folder for each day.
 */
export async function findSession(
  home: string,
  threadId: string,
  started: Date,
): Promise<string | undefined> {
  for (const date of [started, new Date()]) {
    const day = date.toISOString().slice(0, 10).replaceAll("-", "/");
    const folder = join(home, "sessions", day);
    try {
      for await (const { name } of Deno.readDir(folder)) {
        if (name.endsWith(`-${threadId}.jsonl`)) return join(folder, name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/**
 * Reads off a call of the image tool which files it passes to the image model.
 *
 * @param call JSON arguments, or a program, in which only lists of texts are found and nothing that is computed.
 */
export function readReferencedPaths(call: string): string[] {
  const paths = parse(call).referenced_image_paths;
  if (Array.isArray(paths)) return paths.map(String);
  return [...call.matchAll(PATH_LIST)]
    .flatMap(([, list]) => list.match(TEXT) ?? [])
    .map((text) => {
      const inner = text.slice(1, -1);
      const value = tryParseJson(
        text.startsWith('"') ? text : `"${inner.replaceAll('"', '\\"')}"`,
      );
      return typeof value === "string" ? value : inner;
    });
}

/**
 * Follows the session file and the pictures of a thread.
 *
 * @param home The CLI's home.
 * @param onToolCall Told of every tool call as it begins.
 */
export function followSession(
  home: string,
  threadId: string,
  onToolCall: (call: string) => void = () => {},
): SessionFollower {
  const begun = new Date();
  const pictures = join(home, "generated_images", threadId);
  let path: string | undefined;
  let tail: SessionTail | undefined;
  let told = 0;

  // One after the other: two readers at one place would count things twice.
  let reading: Promise<SessionSummary> = Promise.resolve(EMPTY_SUMMARY);
  let known = EMPTY_SUMMARY;
  function read(): Promise<SessionSummary> {
    return reading = reading.then(readNow);
  }

  async function readNow(): Promise<SessionSummary> {
    try {
      path ??= await findSession(home, threadId, begun);
      if (path === undefined) return known;
      tail ??= new SessionTail(path);
      return known = await tail.read();
    } catch (error) {
      // What cannot be read is told less well, but costs no picture.
      if (error instanceof Error && "code" in error) return known;
      throw error;
    }
  }

  return {
    pictures,
    async watchToolCalls(signal) {
      while (path === undefined) {
        await read();
        if (path === undefined) await delay(CALL_POLL_MS, { signal });
      }
      using changes = watchChanges(path);
      while (true) {
        // Asked for before the look, so that no change during the look is missed.
        const change = changes.next();
        const { toolCalls } = await read();
        while (told < toolCalls.length) onToolCall(toolCalls[told++]);
        await waitForChange(change, CALL_POLL_MS, signal);
      }
    },
    // The picture is there a moment before the record of it; the CLI's next call is not long after.
    async facts() {
      const elapsed = startStopwatch();
      while (true) {
        const facts = await read();
        if (facts.revisedPrompt !== undefined || elapsed() > FACTS_MS) {
          return facts;
        }
        await delay(FACTS_POLL_MS);
      }
    },
    async remove() {
      await Promise.allSettled([reading]);
      await removeIfExists(pictures);
      path ??= await findSession(home, threadId, begun);
      if (path !== undefined) await removeIfExists(path);
    },
  };
}

/** Reads a file to its end, or no further than into a line that is as long as a picture. */
async function readFrom(
  path: string,
  { longest, offset }: { readonly offset: number; readonly longest: number },
): Promise<Uint8Array> {
  using file = await Deno.open(path);
  // Most looks find nothing new, and each would leave a buffer to be collected.
  const unread = file.statSync().size - offset;
  if (unread <= 0) return new Uint8Array(0);
  await file.seek(offset, Deno.SeekMode.Start);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(Math.min(unread, READ_BYTES));
  let line = 0;
  for (let length; (length = await file.read(buffer)) !== null;) {
    const chunk = buffer.slice(0, length);
    chunks.push(chunk);
    const end = chunk.lastIndexOf(NEWLINE);
    line = end === -1 ? line + length : length - end - 1;
    if (line >= longest) break;
  }
  return await new Blob(chunks).bytes();
}

// A picture in a line is never decoded: a line gives its first bytes only.
function* lines(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder();
  let start = 0;
  // The last line may still be on its way.
  for (let end; (end = bytes.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
    yield decoder.decode(
      bytes.subarray(start, Math.min(end, start + LINE_BYTES)),
    );
  }
}

function parse(line: string): Record<string, unknown> {
  return object(tryParseJson(line));
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null
    ? value as Record<string, unknown>
    : {};
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

// The line may be cut off, so that it is no JSON as a whole.
function jsonString(line: string, name: string): string | undefined {
  const literal = new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*")`).exec(line)
    ?.[1];
  const value = tryParseJson(literal ?? "null");
  return typeof value === "string" ? value : undefined;
}
