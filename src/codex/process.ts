import { deadline } from "@std/async/deadline";
import { ApiError } from "../errors.ts";
import { ConnectionWatch } from "./connection.ts";
import { readToolFailure, type WorkerOutput } from "./failures.ts";
import { readCodexEvent, readLines } from "./events.ts";
import {
  type DetachedCommand,
  signalProcess,
  spawnDetached,
  terminateWorker,
} from "./process_tree.ts";

/** How many lines of each kind are kept. */
const KEPT_LINES = 50;
/** How long the last output of a process that has ended may take, in milliseconds. */
const DRAIN_MS = 200;

/** What to run. */
export interface CodexCommand extends DetachedCommand {
  /** What it reads on standard input. */
  readonly input: string;
  /** What tags it and its descendants; also in {@linkcode CodexCommand.env}. */
  readonly workerTag: string;
}

/** A running `codex exec`, the leader of a session of its own. */
export class CodexProcess {
  /** Resolves with the thread's id when the CLI has begun. */
  readonly thread: Promise<string>;
  /** Rejects with the {@linkcode ApiError} when the image tool has failed for good. */
  readonly toolFailure: Promise<never>;
  /** Told what the CLI says of its connection. */
  readonly connection = new ConnectionWatch();

  readonly #child: Deno.ChildProcess;
  readonly #workerTag: string;
  readonly #over = new AbortController();
  readonly #output: Promise<unknown>;
  readonly #stderr: string[] = [];
  readonly #errors: string[] = [];
  readonly #messages: string[] = [];

  /**
   * Starts the CLI.
   *
   * @throws {ApiError} The binary cannot be started.
   */
  constructor(command: CodexCommand) {
    this.#child = spawnDetached(command, (reason) =>
      new ApiError(
        "codex_spawn_failed",
        `Cannot start Codex "${command.program}": ${reason}`,
      ));
    this.#workerTag = command.workerTag;
    const thread = Promise.withResolvers<string>();
    const toolFailure = Promise.withResolvers<never>();
    // The failure matters only to a worker that still waits.
    toolFailure.promise.catch(() => {});
    this.thread = thread.promise;
    this.toolFailure = toolFailure.promise;
    this.#output = Promise.all([
      readLines(this.#child.stdout, (line) => {
        const event = readCodexEvent(line);
        if (event?.type === "thread") thread.resolve(event.threadId);
        if (event?.type === "message") {
          keep(this.#messages, event.text);
          this.connection.reset();
        }
        if (event?.type === "error") {
          keep(this.#errors, event.message);
          this.connection.note(event.message);
        }
      }, this.#over.signal),
      readLines(this.#child.stderr, (line) => {
        keep(this.#stderr, line);
        const failure = readToolFailure(line);
        if (failure !== undefined) toolFailure.reject(failure);
      }, this.#over.signal),
      feed(this.#child.stdin, command.input),
    ]);
  }

  /** Waits until the CLI has ended by itself, and tells what it said. */
  async exited(): Promise<Omit<WorkerOutput, "badFile">> {
    const { code } = await this.#child.status;
    try {
      await deadline(this.#output, DRAIN_MS);
    } catch (error) {
      // A process that the CLI left behind can hold its pipes open for ever.
      if (!(error instanceof DOMException)) throw error;
    }
    return {
      exitCode: code,
      stderr: this.#stderr,
      errors: this.#errors,
      messages: this.#messages,
    };
  }

  /** Kills the CLI on the spot; {@linkcode CodexProcess.end} has to follow. */
  kill(): void {
    signalProcess(-this.#child.pid, "SIGKILL");
  }

  /** Ends the CLI and everything it started, and waits until all of it is gone. */
  async end(): Promise<void> {
    this.connection.reset();
    await terminateWorker(this.#child, this.#workerTag);
    this.#over.abort();
    await this.#output;
  }
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  input: string,
): Promise<void> {
  try {
    await ReadableStream.from([new TextEncoder().encode(input)]).pipeTo(stdin);
  } catch (error) {
    // It ended before it had read everything; its end is what counts.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > KEPT_LINES) lines.shift();
}
