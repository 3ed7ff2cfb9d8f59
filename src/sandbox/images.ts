import { delay } from "@std/async/delay";
import { encodeHex } from "@std/encoding/hex";
import { type Directives, readDirectives } from "./directives.ts";
import { imageFailure } from "./failures.ts";
import { drawPicture } from "./picture.ts";
import type { SandboxUsage } from "./usage.ts";

/** A request of the CLI to `/v1/images/generations` or `/v1/images/edits`. */
export interface ImageRequest {
  readonly prompt: string;
  readonly background?: string;
  readonly images?: readonly { readonly image_url: string }[];
}

/** An image request, understood. */
export interface ImageTask {
  /** The whole prompt of the tool call. */
  readonly prompt: string;
  /** The SHA-256 of every reference, hexadecimal. */
  readonly references: readonly string[];
  /** The requested background. */
  readonly background: string;
  /** What the prompt provokes. */
  readonly directives: Directives;
}

const SIZES = [
  { pattern: /9:16|tall|portrait/i, width: 941, height: 1672 },
  { pattern: /21:9|3:1/i, width: 1916, height: 821 },
  { pattern: /16:9|wide|landscape/i, width: 1672, height: 941 },
  { pattern: /1:1|square/i, width: 1254, height: 1254 },
  { pattern: /2:3|3:4|4:5/i, width: 1024, height: 1536 },
] as const;
/** What `sandbox:alike` pads pictures by, so that files differ that look the same. */
const ALIKE_BYTES = 1_000_000;
const HINT = /^(?:Aspect ratio|Tall|Wide|Square)[^\n]*/m;

/** Reads an image request. */
export async function readImageTask(request: ImageRequest): Promise<ImageTask> {
  const candidate = request.prompt.match(/\bcandidate ([1-4])\b/i)?.[1] ?? "1";
  return {
    prompt: request.prompt,
    references: await Promise.all((request.images ?? []).map(digestOf)),
    background: request.background ?? "opaque",
    directives: readDirectives(request.prompt, Number(candidate)),
  };
}

/** What an answer depends on beside the task. */
export interface ImageAnswerOptions {
  /** Makes the picture differ from all others of the same prompt. */
  readonly serial: number;
  /** Aborted when the CLI is gone. */
  readonly signal: AbortSignal;
  /** The quota of the account, of which a picture takes its share. */
  readonly usage: SandboxUsage;
  /** Is told the SHA-256 of the picture that is answered, hexadecimal. */
  readonly onPicture: (digest: string) => void;
}

/** Answers an image request as the image service would. */
export async function answerImage(
  task: ImageTask,
  { onPicture, serial, signal, usage }: ImageAnswerOptions,
): Promise<Response> {
  const { directives } = task;
  const wait = directives.has("hang") ? 2 ** 31 - 1 : directives.get("slow");
  await delay(Number(wait ?? 0), { signal });
  const failure = imageFailure(directives, usage);
  if (failure !== undefined) return failure;
  const png = await drawPicture({
    ...subject(task.prompt, serial),
    ...nativeSize(task),
    references: task.references.length,
    transparent: task.background === "transparent",
    serial,
    bytes: directives.has("alike")
      ? ALIKE_BYTES + Math.floor(Math.random() * ALIKE_BYTES)
      : Number(directives.get("bytes") ?? 0),
  });
  const whole = directives.has("truncated")
    ? png.subarray(0, png.length - 40)
    : png;
  usage.countImage();
  onPicture(await sha256(whole));
  return Response.json({
    created: Math.floor(Date.now() / 1000),
    data: [{ b64_json: whole.toBase64() }],
  });
}

// Serial 0 is that of `sandbox:same`: nothing that tells candidates apart may show.
function subject(
  prompt: string,
  serial: number,
): { readonly prompt: string; readonly variation: string } {
  if (serial === 0) return { prompt: prompt.split("\n", 1)[0], variation: "" };
  const variation =
    prompt.match(/\bcandidate [1-4][^\n:]*: ([^\n]{1,60})/i)?.[1] ?? "";
  return { prompt, variation };
}

// The service decides the shape by the words of the prompt alone.
function nativeSize(task: ImageTask): { width: number; height: number } {
  const asked = task.directives.get("native")?.match(/^(\d{1,4})x(\d{1,4})$/);
  if (asked) return { width: Number(asked[1]), height: Number(asked[2]) };
  const hint = task.prompt.match(HINT)?.[0] ?? "";
  const size = SIZES.find(({ pattern }) => pattern.test(hint));
  return size === undefined
    ? { width: 1536, height: 1024 }
    : { width: size.width, height: size.height };
}

function digestOf({ image_url }: { image_url: string }): Promise<string> {
  const base64 = image_url.slice(image_url.indexOf(",") + 1);
  return sha256(Uint8Array.fromBase64(base64));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}
