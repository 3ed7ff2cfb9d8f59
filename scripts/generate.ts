/** Makes images with a running server and saves them: `deno task generate "a red fox" --count 4`. */
import { followJob, type Outcome } from "./generate/follow.ts";
import { HELP } from "./generate/help.ts";
import {
  type Options,
  parseOptions,
  UsageError,
  VARIABLES,
} from "./generate/options.ts";
import { ProgressLines, type Screen } from "./generate/progress_lines.ts";
import { readQuotaLine } from "./generate/quota.ts";
import { requestImages, Trouble } from "./generate/server.ts";
import { readServerEvents } from "./generate/server_events.ts";

const EXIT = { failed: 1, usage: 2, partial: 3, canceled: 130 } as const;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** How soon after a signal another one is the same Ctrl-C, in milliseconds: `deno task` passes each on twice. */
const SAME_SIGNAL_MS = 500;

async function main(): Promise<number> {
  try {
    const options = parseOptions(
      Deno.args,
      Object.fromEntries(VARIABLES.map((name) => [name, Deno.env.get(name)])),
    );
    if (!options.help) return await run(options);
    console.log(HELP.trimEnd());
    return 0;
  } catch (error) {
    const known = error instanceof UsageError || error instanceof Trouble;
    if (!known) throw error;
    console.error(error.message);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

async function run(options: Options): Promise<number> {
  using canceled = cancelOnSignals();
  const { signal } = canceled;
  using lines = new ProgressLines(screen());
  let outcome: Outcome;
  try {
    const body = await requestImages(options, signal);
    const events = readServerEvents(body, signal);
    outcome = await followJob(events, { lines, options, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    lines.say("Canceled");
    return EXIT.canceled;
  }
  const quota = await readQuotaLine(options);
  if (quota !== undefined) lines.say(quota);
  const { complete, saved } = outcome;
  if (!Deno.stdout.isTerminal()) saved.forEach((path) => console.log(path));
  if (complete) return 0;
  return saved.length > 0 ? EXIT.partial : EXIT.failed;
}

interface Cancellation extends Disposable {
  readonly signal: AbortSignal;
}

// The server ends the work of a caller who is gone.
function cancelOnSignals(): Cancellation {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => {
    controller.abort();
    // A second Ctrl-C is not held up by anything.
    timer ??= setTimeout(stop, SAME_SIGNAL_MS);
  };
  const stop = () => {
    clearTimeout(timer);
    for (const name of SIGNALS) Deno.removeSignalListener(name, cancel);
  };
  for (const name of SIGNALS) Deno.addSignalListener(name, cancel);
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

function screen(): Screen {
  const encoder = new TextEncoder();
  return {
    terminal: Deno.stderr.isTerminal(),
    write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
  };
}

Deno.exitCode = await main();
