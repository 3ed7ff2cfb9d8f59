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

/** The sink that is the process's standard output; a line is dropped when nobody reads it any more, or its disk is full. */
export const stdoutSink: LogSink = {
  write: (line) => writeOrDrop(Deno.stdout, line),
};

/** How a {@linkcode fileSink} keeps its file. */
export interface FileSinkOptions {
  /** How large the file may grow before it becomes the old one, in bytes; without limit when left out. */
  readonly maxBytes?: number;
}

/**
 * Opens a sink that appends to a file.
 *
 * A full file is renamed to `<path>.1`, whatever was there, and a new one begun. A line that cannot be written is dropped:
 * a full disk must not end the service, and standard output still has the line.
 */
export function fileSink(
  path: string,
  { maxBytes = Infinity }: FileSinkOptions = {},
): LogSink & Disposable {
  let file = openToAppend(path);
  return {
    write: (line) => {
      try {
        const { isFile, size } = file.statSync();
        // A device has no size, and renaming would take it away from everybody else.
        if (isFile && size > 0 && size + byteLength(line) > maxBytes) {
          Deno.renameSync(path, `${path}.1`);
          const next = openToAppend(path);
          file.close();
          file = next;
        }
        writeAllSync(file, line);
      } catch (error) {
        const complaint = `Cannot write to log file "${path}": ${error}\n`;
        writeOrDrop(Deno.stderr, complaint);
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}

function openToAppend(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true });
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

interface Writer {
  writeSync(bytes: Uint8Array): number;
}

// A log that cannot be written must not end the service.
function writeOrDrop(writer: Writer, text: string): void {
  try {
    writeAllSync(writer, text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

function writeAllSync(writer: Writer, text: string): void {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(writer.writeSync(rest));
}
