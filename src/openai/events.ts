import type { Quality } from "../contract/choices.ts";
import { Failure, type FailureCode, toFailure } from "../failure.ts";
import type { JobEntry } from "../jobs/job_entry.ts";
import type { AnswerOptions } from "./answer.ts";
import type { CompletedEvent, ErrorEvent } from "./answer_schemas.ts";
import { describeMade, type MadeAnswer, type MadeImage } from "./made_image.ts";

/** What the events of a request are named after. */
export type Operation = "image_edit" | "image_generation";

/** What {@linkcode openAiEvents} say beside what was made. */
export interface EventsOptions extends AnswerOptions {
  readonly operation: Operation;
  /** The quality that was asked for. */
  readonly quality: Quality;
  /** Describes a failure as the envelope of every error does. */
  readonly describeFailure: (failure: Failure) => ErrorEvent["error"];
}

/**
 * Tells of a job: every image as it lands, and what failed at the end, because clients read nothing after an error.
 *
 * @returns Events whose names are their types.
 */
export async function* openAiEvents(
  { answer, job }: JobEntry<MadeAnswer>,
  options: EventsOptions,
): AsyncGenerator<CompletedEvent | ErrorEvent> {
  try {
    for await (const { data, type } of job.watch()) {
      // It was written by the service's `describeImage`.
      if (type === "image") yield await completed(data as MadeImage, options);
    }
    for (const { code, message } of (await answer).errors) {
      yield failed(new Failure(code as FailureCode, message), options);
    }
  } catch (error) {
    yield failed(toFailure(error), options);
  }
}

async function completed(
  image: MadeImage,
  options: EventsOptions,
): Promise<CompletedEvent> {
  const { created, open, operation, quality, responseFormat } = options;
  const { id, revised_prompt, url, usage, warnings } = image;
  const bytes = responseFormat === "url"
    ? undefined
    : await new Response(await open(id)).bytes();
  return {
    type: `${operation}.completed`,
    ...(bytes === undefined ? { url } : { b64_json: bytes.toBase64() }),
    ...(revised_prompt === null ? {} : { revised_prompt }),
    created_at: created,
    ...describeMade(image, { quality, usage }),
    warnings: [...options.warnings, ...warnings],
  };
}

function failed(
  failure: Failure,
  { describeFailure }: EventsOptions,
): ErrorEvent {
  return { type: "error", error: describeFailure(failure) };
}
