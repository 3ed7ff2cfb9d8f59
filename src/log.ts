/** What a log line may hold beside its event: never a prompt, a token, a header or picture data. */
export type LogFields = Readonly<
  Record<
    string,
    string | number | boolean | null | undefined | readonly string[]
  >
>;

/** How much a line matters. */
export type LogLevel = "info" | "warn" | "error";

/** Writes one line. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** Where lines go. */
export interface LogSink {
  /** Takes one line with its line end. */
  write(line: string): void;
}

/**
 * Makes a log that writes every event as one line of JSON to each sink.
 *
 * @example
 * ```ts
 * import { createLog } from "./log.ts";
 *
 * const log = createLog([{ write: (line) => console.log(line) }]);
 * log("info", "server.listen", { port: 17341 });
 * ```
 */
export function createLog(sinks: readonly LogSink[]): Log {
  return (level, event, fields = {}) => {
    const time = new Date().toISOString();
    const line = JSON.stringify({ time, level, event, ...fields }) + "\n";
    for (const sink of sinks) sink.write(line);
  };
}

/** The sink that is the process's standard output. */
export const stdoutSink: LogSink = {
  write: (line) => writeAllSync(Deno.stdout, line),
};

/**
 * Opens a sink that appends to a file.
 *
 * A line that cannot be written is dropped: a full disk must not end the service, and standard
 * output still has the line.
 */
export function fileSink(path: string): LogSink & Disposable {
  const file = Deno.openSync(path, { append: true, create: true });
  return {
    write: (line) => {
      try {
        writeAllSync(file, line);
      } catch (error) {
        console.error(`Cannot write to log file "${path}": ${error}`);
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}

function writeAllSync(
  writer: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(writer.writeSync(rest));
}
