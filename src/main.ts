import { ConfigError, readConfig } from "./config.ts";
import { createLog, fileSink, type LogSink, stdoutSink } from "./log.ts";
import { startServer } from "./server.ts";

const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the server until a signal ends it. */
async function main(): Promise<void> {
  const env = Deno.env.toObject();
  const { config, warnings } = readConfig(env, Deno.cwd());
  using file = config.logFile === undefined
    ? undefined
    : openLogFile(config.logFile, config.logMaxBytes);
  const sinks: LogSink[] = file === undefined
    ? [stdoutSink]
    : [stdoutSink, file];
  const log = createLog(sinks);
  for (const warning of warnings) log("warn", "config.unknown", { warning });
  const service = await startServer({ config, env, log });
  // Not on standard output, which is for JSON lines.
  if (config.sandbox) console.error(`Open ${service.url}/ in a browser`);
  using ending = listenForEnd();
  log("info", "server.stop", { signal: await ending.received });
  await service.stop();
  log("info", "server.end");
}

function openLogFile(path: string, maxBytes: number): LogSink & Disposable {
  try {
    return fileSink(path, { maxBytes });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(
      `Cannot use CODEX_IMAGE_SERVER_LOG_FILE "${path}": ${error.message}; expected a file in a directory that is there`,
    );
  }
}

interface EndingSignal extends Disposable {
  /** The first signal that says to end. */
  readonly received: Promise<Deno.Signal>;
}

// Ctrl-C comes twice, from the terminal and from `deno task`: the second must not cut the cleaning up short.
function listenForEnd(): EndingSignal {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  const listeners = ENDING_SIGNALS.map((signal) =>
    [signal, () => resolve(signal)] as const
  );
  for (const [signal, listener] of listeners) {
    Deno.addSignalListener(signal, listener);
  }
  return {
    received: promise,
    [Symbol.dispose]: () => {
      for (const [signal, listener] of listeners) {
        Deno.removeSignalListener(signal, listener);
      }
    },
  };
}

if (import.meta.main) {
  try {
    await main();
    // Whoever neither reads nor writes holds a connection open, and with it the process, for ever.
    Deno.exit();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}
