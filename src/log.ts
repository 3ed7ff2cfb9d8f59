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

/** How a {@linkcode limitedLog} limits. */
export interface LimitedLogOptions {
  /** How many events of a kind are written in a window; 10 when left out. */
  readonly max?: number;
  /** How long a window is, in milliseconds; a minute when left out. */
  readonly windowMs?: number;
}

/**
 * Makes a log that writes so many events of a kind and then only counts them, for what callers can cause as often as they
 * like. A kind is an event and the `code` among its fields. At the end of the window, or of the log, one more line of the
 * kind has the count as `left_out`.
 */
export function limitedLog(
  log: Log,
  { max = 10, windowMs = 60_000 }: LimitedLogOptions = {},
): Log & Disposable {
  const windows = new Map<string, LogWindow>();
  const limited: Log = (level, event, fields = {}) => {
    const kind = `${event} ${fields.code}`;
    const window = windows.get(kind) ?? open(kind, level, event, fields);
    if (++window.count <= max) log(level, event, fields);
  };
  const open = (
    kind: string,
    level: LogLevel,
    event: string,
    { code }: LogFields,
  ): LogWindow => {
    const close = () => {
      clearTimeout(timer);
      windows.delete(kind);
      const left_out = window.count - max;
      if (left_out > 0) log(level, event, { code, left_out });
    };
    const timer = setTimeout(close, windowMs);
    // To count is no reason to keep the process.
    Deno.unrefTimer(timer);
    const window = { count: 0, close };
    windows.set(kind, window);
    return window;
  };
  return Object.assign(limited, {
    [Symbol.dispose]: () => {
      for (const { close } of [...windows.values()]) close();
    },
  });
}

/** Logs what nobody foresaw, of which the caller is told no reason. */
export function logInternalError(
  log: Log,
  requestId: string,
  error: unknown,
): void {
  log("error", "request.internal_error", {
    request_id: requestId,
    reason: error instanceof Error ? error.stack : String(error),
  });
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

interface LogWindow {
  count: number;
  readonly close: () => void;
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
