import { MODEL } from "../api/fields.ts";
import { quoteValue } from "../api/validation_error.ts";
import { ApiError } from "../errors.ts";

/** When the model came out, in seconds since 1970. */
const CREATED = 1_776_729_600;

/** How the names begin of models that answer in words, numbers, sound or film. */
const OTHERS =
  /^(?:gpt-|chatgpt-|o\d|codex|text-|tts|whisper|davinci|babbage|omni-|computer-use|sora|claude|gemini|deepseek|llama|mistral|qwen)/i;

/** The model, as clients of OpenAI are told of it. */
const DESCRIBED = {
  id: MODEL,
  object: "model",
  created: CREATED,
  owned_by: "openai",
} as const;

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

/** Answers `GET /v1/models`. */
export function listModels() {
  return { object: "list", data: [DESCRIBED] } as const;
}

/**
 * Answers `GET /v1/models/:id`.
 *
 * @throws {ApiError} `not_found`: it is another one.
 */
export function showModel(id: string) {
  if (id === MODEL) return DESCRIBED;
  throw new ApiError(
    "not_found",
    `Cannot find model ${quoteValue(id)}: expected "${MODEL}"`,
    { param: "model" },
  );
}
