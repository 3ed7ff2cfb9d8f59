import type { OpenAiAnswer } from "./answer_schemas.ts";
import { base64Chunks } from "./base64_chunks.ts";
import { describeMade, type MadeAnswer, type MadeImage } from "./made_image.ts";
import type { ResponseFormat } from "./schema.ts";

/** Opens the file of an image. */
export type OpenImage = (
  id: string,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** What {@linkcode writeAnswer} says beside what was made. */
export interface AnswerOptions {
  /** When the request came, in seconds since 1970. */
  readonly created: number;
  readonly open: OpenImage;
  readonly responseFormat: ResponseFormat;
  /** What the caller should know of the request. */
  readonly warnings: readonly string[];
}

/**
 * Writes the JSON of an answer piece by piece, because four images in base64 can have 100 MB.
 *
 * An image has its bytes or its URL and never both: some clients would fetch the URL then.
 */
export async function* writeAnswer(
  answer: MadeAnswer,
  options: AnswerOptions,
): AsyncGenerator<string> {
  yield `{"created":${options.created},"data":[`;
  for (const [position, image] of answer.data.entries()) {
    if (position > 0) yield ",";
    yield* writeImage(image, options);
  }
  yield `],${JSON.stringify(describeRest(answer, options)).slice(1)}`;
}

async function* writeImage(
  image: MadeImage,
  { open, responseFormat }: AnswerOptions,
): AsyncGenerator<string> {
  const { revised_prompt, url } = image;
  const revised = revised_prompt === null ? {} : { revised_prompt };
  if (responseFormat === "url") {
    yield JSON.stringify({ url, ...revised });
    return;
  }
  const end = `"}`;
  yield JSON.stringify({ ...revised, b64_json: "" }).slice(0, -end.length);
  yield* base64Chunks(await open(image.id));
  yield end;
}

function describeRest(
  answer: MadeAnswer,
  { warnings }: AnswerOptions,
): Omit<OpenAiAnswer, "created" | "data"> {
  return {
    ...describeMade(answer.data[0], answer),
    warnings: [
      ...warnings.map((message) => ({ index: null, message })),
      ...answer.errors.map(({ index, code, message }) => ({
        index,
        message: `Image ${index + 1} failed with ${code}: ${message}`,
      })),
      ...answer.warnings,
    ],
  };
}
