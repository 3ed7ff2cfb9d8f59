import { basename } from "@std/path";
import type { CandidateView, GenerateAnswer } from "../../src/api/schemas.ts";
import type { Options } from "./options.ts";
import type { Line, ProgressLines } from "./progress_lines.ts";
import { saveImage } from "./save_image.ts";
import { Trouble } from "./server.ts";
import type { ServerEvent } from "./server_events.ts";
import { timeOf } from "./quota.ts";

type Image = GenerateAnswer["data"][number];

/** What came of a request. */
export interface Outcome {
  /** The paths of the images, in the order in which they came. */
  readonly saved: readonly string[];
  /** Whether all that was asked for is there. */
  readonly complete: boolean;
}

/** What {@linkcode followJob} works with. */
export interface FollowParts {
  readonly lines: ProgressLines;
  readonly options: Options;
  readonly signal: AbortSignal;
}

/**
 * Follows the events of a job to its end, and saves the images as they come.
 *
 * @throws {Trouble} The job failed, or the connection did.
 */
export async function followJob(
  events: AsyncIterable<ServerEvent>,
  { lines, options, signal }: FollowParts,
): Promise<Outcome> {
  const saved: string[] = [];
  const single = Number(options.fields.count ?? 1) === 1;
  let unsaved = false;
  const told = new Set<unknown>();
  for await (const { data, type } of events) {
    switch (type) {
      case "progress": {
        const view = data as CandidateView;
        told.add(view.message);
        // Its line comes with the image.
        if (view.phase !== "saved") lines.set(view.index, lineOf(view));
        break;
      }
      case "image": {
        const image = data as Image;
        try {
          const path = await saveImage(image, options, { signal, single });
          saved.push(path);
          lines.set(image.index, { text: savedText(image, path) });
        } catch (error) {
          // The others may be luckier, and the server has it.
          if (!(error instanceof Trouble)) throw error;
          unsaved = true;
          lines.set(image.index, { text: error.message });
        }
        break;
      }
      case "completed": {
        const { status, warnings } = data as GenerateAnswer;
        for (const { index, message } of warnings) {
          lines.say(`${index + 1}  note: ${message}`);
        }
        return { saved, complete: status === "completed" && !unsaved };
      }
      case "error": {
        const { message } = data as { readonly message: string };
        if (!told.has(message)) throw new Trouble(message);
        return { saved, complete: false };
      }
    }
  }
  throw new Trouble(
    "Cannot tell how it ended: the server closed the connection before it was done",
  );
}

function lineOf(view: CandidateView): Line {
  const clock = { elapsed: view.elapsed_ms ?? 0, left: view.estimate_ms };
  switch (view.phase) {
    case "queued":
      return {
        text: view.waiting === null
          ? `waits, number ${view.position ?? "?"} in the queue`
          : `waits for the end of a usage limit, until ${
            timeOf(view.waiting.until)
          } at the latest`,
      };
    case "started":
      return { text: "Codex reads the prompt", clock };
    case "drawing":
      return { text: "is being drawn", clock };
    case "canceled":
      return { text: "canceled" };
    default:
      return { text: `${view.phase}: ${view.message}` };
  }
}

function savedText(image: Image, path: string): string {
  const size = image.bytes < 1e6
    ? `${Math.ceil(image.bytes / 1e3)} kB`
    : `${(image.bytes / 1e6).toFixed(1)} MB`;
  const seconds = (image.duration_ms / 1000).toFixed(1);
  return `saved as ${
    basename(path)
  } (${image.resolved_size}, ${size}, ${seconds} s)`;
}
