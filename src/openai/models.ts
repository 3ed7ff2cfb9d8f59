import { MODEL } from "../api/fields.ts";
import { quoteValue } from "../api/validation_error.ts";
import { ApiError } from "../errors.ts";

/** When the model came out, in seconds since 1970. */
const CREATED = 1_776_729_600;

/** How the names begin of models that answer in words, numbers, sound or film. */
const OTHERS =
  /^(?:gpt-|chatgpt-|o\d|codex|text-|tts|whisper|davinci|babbage|omni-|computer-use|sora|claude|gemini|deepseek|llama|mistral|qwen)/i;

/** The names that clients look for; the last two are other names of the first. */
const LISTED = [MODEL, "gpt-image-1.5", "gpt-image-1"];

/**
 * Tells whether a name may be that of an image model; names that nobody knows may.
 *
 * @example
 * ```ts
 * import { isImageModel } from "./models.ts";
 *
 * isImageModel("dall-e-3"); // true
 * isImageModel("gpt-4o"); // false
 * ```
 */
export function isImageModel(name: string): boolean {
  // Routers of many services put theirs in front, as in "openai/gpt-image-1".
  const own = name.split("/").at(-1) ?? "";
  return /image/i.test(own) || !OTHERS.test(own);
}

/** Tells whether a name is that of a model whose answers have URLs unless asked otherwise, and whose images may be small. */
export function isOldModel(name: string): boolean {
  return /^(?:.*\/)?dall-e-[23]$/i.test(name);
}

/** Answers `GET /v1/models`. */
export function listModels() {
  return { object: "list", data: LISTED.map(describeModel) } as const;
}

/**
 * Answers `GET /v1/models/:id`: every name that a request for images may give, because some clients try a key by it.
 *
 * @param encoded The name as it stands in the path.
 * @throws {ApiError} `not_found`: it plainly makes no images.
 */
export function showModel(encoded: string) {
  const name = decode(encoded);
  if (isImageModel(name)) return describeModel(name);
  throw new ApiError(
    "not_found",
    `Cannot find model ${quoteValue(name)}: expected "${MODEL}"`,
    { param: "model" },
  );
}

function describeModel(id: string) {
  return { id, object: "model", created: CREATED, owned_by: "openai" } as const;
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) return encoded;
    throw error;
  }
}
