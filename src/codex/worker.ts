import { abortable } from "@std/async/abortable";
import { join } from "@std/path";
import { removeIfThere } from "../remove.ts";
import { codexArguments } from "./command.ts";
import { workerEnvironment } from "./environment.ts";
import { explainFailure } from "./explain.ts";
import {
  lookForPicture,
  type PictureCheck,
  watchForPicture,
} from "./picture_watch.ts";
import { CodexProcess } from "./process.ts";
import type { SessionFacts } from "./session.ts";
import { followSession, type SessionFollower } from "./session_follower.ts";

/** What all workers of a server share. */
export interface WorkerSetup {
  /** The native Codex binary. */
  readonly binary: string;
  /** The CLI's home. */
  readonly home: string;
  /** The file with our instructions. */
  readonly instructionsFile: string;
  /** The chat model; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** The server's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Tells a whole picture from a file that is still being written. */
  readonly check: PictureCheck;
}

/** One picture to make. */
export interface WorkerTask {
  /** What the worker reads on standard input. */
  readonly input: string;
  /** The files to attach, in order. */
  readonly images: readonly string[];
  /** A directory of its own, which the worker makes and removes. */
  readonly directory: string;
  /** What marks its processes. */
  readonly mark: string;
  /** Whether the CLI gets our own short instructions and no tool but the image tool. */
  readonly lean: boolean;
  /**
   * Told of every call of the image tool as it begins: the JSON arguments, or the program that makes the call.
   *
   * What it throws ends the worker, before the picture is drawn and paid for.
   */
  readonly onToolCall?: (call: string) => void;
}

/** What a worker made. */
export interface WorkerPicture {
  /** The file as the CLI wrote it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the CLI keeps of it, which is there a moment later. */
  readonly facts: Promise<SessionFacts>;
}

/** A worker under way. */
export interface Worker {
  /** Tells whether the CLI has begun its thread, as soon as it has or has ended without one. */
  readonly started: Promise<boolean>;
  /** The picture as soon as it is whole; rejects with a `Failure` or the signal's reason. */
  readonly picture: Promise<WorkerPicture>;
  /** Resolves when every process and every file of the worker is gone. */
  readonly ended: Promise<void>;
}

/**
 * Starts one `codex exec` for one picture.
 *
 * It ends for exactly one reason, the first of these: a whole picture, a final failure of the image
 * tool, the CLI's own end, or the signal.
 */
export function startWorker(
  setup: WorkerSetup,
  task: WorkerTask,
  signal: AbortSignal,
): Worker {
  const started = Promise.withResolvers<boolean>();
  const picture = Promise.withResolvers<WorkerPicture>();
  // Whoever waits for the end alone must not be ended by this rejection.
  picture.promise.catch(() => {});
  const ended = run().finally(() => started.resolve(false));
  return { started: started.promise, picture: picture.promise, ended };

  async function run(): Promise<void> {
    let process: CodexProcess | undefined;
    let session: SessionFollower | undefined;
    try {
      signal.throwIfAborted();
      await Deno.mkdir(task.directory, { recursive: true, mode: 0o700 });
      signal.throwIfAborted();
      process = startProcess(setup, task);
      const thread = process.thread.then((id) => {
        session = followSession(setup.home, id, task.onToolCall);
        started.resolve(true);
        return session;
      });
      const path = await waitForPicture({ process, thread, setup }, signal);
      const bytes = await Deno.readFile(path);
      const facts = (await thread).facts();
      picture.resolve({ bytes, facts });
      await facts;
    } catch (error) {
      picture.reject(error);
    } finally {
      await process?.end();
      await session?.remove();
      await removeIfThere(task.directory);
    }
  }
}

function startProcess(setup: WorkerSetup, task: WorkerTask): CodexProcess {
  return new CodexProcess({
    binary: setup.binary,
    args: codexArguments({
      ...setup,
      lean: task.lean,
      images: task.images,
      databaseDir: join(task.directory, "databases"),
    }),
    env: workerEnvironment(setup.env, { ...setup, mark: task.mark }),
    cwd: task.directory,
    input: task.input,
    mark: task.mark,
  });
}

interface Waiting {
  readonly process: CodexProcess;
  readonly thread: Promise<SessionFollower>;
  readonly setup: WorkerSetup;
}

async function waitForPicture(
  { process, thread, setup }: Waiting,
  signal: AbortSignal,
): Promise<string> {
  const decided = new AbortController();
  let directory: string | undefined;
  let watching: Promise<string> | undefined;
  try {
    return await abortable(
      Promise.race([
        process.toolFailure,
        thread.then((session) => {
          directory = session.pictures;
          watching = watchForPicture(directory, setup.check, decided.signal);
          return watching;
        }),
        thread.then((session) => session.objection(decided.signal)),
        process.exited().then(async (traces) => {
          decided.signal.throwIfAborted();
          const { whole, wrong } = directory === undefined
            ? {}
            : await lookForPicture(directory, setup.check);
          if (whole !== undefined) return whole;
          throw explainFailure({ ...traces, badFile: wrong });
        }),
      ]),
      signal,
    );
  } finally {
    decided.abort();
    // A look at the files must not outlive them.
    await Promise.allSettled([watching]);
  }
}
