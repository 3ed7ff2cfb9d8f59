import { Failure } from "../failure.ts";
import {
  InstructionsRefused,
  loginRequired,
  rateLimitExceeded,
  shorten,
  usageLimitReached,
} from "./failure.ts";
import { TOOL_UNAVAILABLE } from "./prompt.ts";
import { readResetTime } from "./reset_time.ts";
import { readToolError } from "./tool_failure.ts";

const LOGIN =
  /not logged in|log out and sign in|oauth\/token|401 Unauthorized|could not be refreshed/i;
const USAGE_LIMIT = /usage limit/i;
const RATE_LIMIT = /rate limit|429 Too Many/i;
const INSTRUCTIONS = /instructions are not valid|invalid instructions/i;
const NO_TOOL = /unsupported call: image_gen/;

/** What a worker left behind. */
export interface WorkerTraces {
  /** The last lines of standard error. */
  readonly stderr: readonly string[];
  /** The errors of the JSON lines, oldest first. */
  readonly errors: readonly string[];
  /** The words of the model, oldest first. */
  readonly messages: readonly string[];
  /** How the CLI ended. */
  readonly exitCode: number;
  /** What is wrong with the file it left, if it left one. */
  readonly badFile: string | undefined;
}

/**
 * Finds the one reason why a worker that has ended made no picture.
 *
 * The exit code comes last: 0 does not mean success.
 *
 * @param now What "today" means in the CLI's messages.
 */
export function explainFailure(
  traces: WorkerTraces,
  now: Date = new Date(),
): Failure {
  return accountFailure(traces, now) ?? toolFailure(traces) ??
    otherFailure(traces);
}

function accountFailure(
  { errors, exitCode }: WorkerTraces,
  now: Date,
): Failure | undefined {
  // A CLI that ends well has got over its errors, such as a connection that broke off.
  if (exitCode === 0) return undefined;
  const last = errors.at(-1) ?? "";
  const all = errors.join("\n");
  if (USAGE_LIMIT.test(all)) {
    return usageLimitReached(last, readResetTime(all, now));
  }
  if (LOGIN.test(all)) return loginRequired(last);
  if (RATE_LIMIT.test(all)) return rateLimitExceeded(last);
  if (INSTRUCTIONS.test(all)) {
    return new InstructionsRefused(last);
  }
  return undefined;
}

function toolFailure(traces: WorkerTraces): Failure | undefined {
  if (
    traces.messages.some((text) => text.includes(TOOL_UNAVAILABLE)) ||
    traces.stderr.some((line) => NO_TOOL.test(line))
  ) {
    return new Failure(
      "image_tool_unavailable",
      "Codex offers no image tool: it needs a ChatGPT login whose plan includes images, and a model that takes images",
    );
  }
  if (traces.badFile !== undefined) {
    return new Failure(
      "codex_no_image",
      `Codex left a picture that cannot be used: it ${traces.badFile}`,
    );
  }
  const error = traces.stderr.map(readToolError)
    .findLast((error) => error !== undefined);
  return error === undefined ? undefined : new Failure(
    "codex_exec_failed",
    `The image tool failed: ${shorten(error)}`,
  );
}

function otherFailure(traces: WorkerTraces): Failure {
  const { errors, exitCode, messages, stderr } = traces;
  if (exitCode !== 0) {
    const reason = errors.at(-1) ?? stderr.at(-1) ?? "it gave no reason";
    return new Failure(
      "codex_exec_failed",
      `Codex ended with exit code ${exitCode}: ${shorten(reason)}`,
    );
  }
  const words = messages.findLast((text) => text.trim() !== "");
  return words === undefined
    ? new Failure(
      "codex_no_image",
      "Codex ended without a picture and without a reason",
    )
    : new Failure("model_refused", words.trim());
}
