import { abortable } from "@std/async/abortable";
import { ApiError } from "../errors.ts";
import { removeIfExists } from "../util.ts";
import { type CliSetup, copyDatabases } from "./cli.ts";
import { codexArguments, databasesIn, workerEnvironment } from "./command.ts";
import { classifyError } from "./failures.ts";
import { findImage, type ImageCheck, watchForImage } from "./image_watcher.ts";
import { isTokenRefreshDue, type LoginLock } from "./login.ts";
import { CodexProcess } from "./process.ts";
import { landlockCommand, type ReadGuard } from "./read_guard.ts";
import {
  followSession,
  readReferencedPaths,
  type SessionFollower,
  type SessionSummary,
} from "./session.ts";

/** What all workers of a server share. */
export interface WorkerEnvironment extends CliSetup {
  /** The program's own file, behind all links. */
  readonly binaryFile: string;
  /** The servers of tools in the system's settings, which workers switch off. */
  readonly mcpServers?: readonly string[];
  /** The directory with the user's login. */
  readonly authHome: string;
  /** The file with our instructions. */
  readonly instructionsFile: string;
  /** A directory with migrated databases, of which each worker gets a copy; undefined where there are none. */
  readonly databases: string | undefined;
  /** The chat model; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** What keeps a worker from reading files that are not its own. */
  readonly readGuard: ReadGuard;
  /** Tells a whole picture from a file that is still being written. */
  readonly check: ImageCheck;
}

/** One picture to make. */
export interface WorkerTask {
  /** What the worker reads on standard input. */
  readonly input: string;
  /** The files to attach, in order; the worker gets no others to read. */
  readonly images: readonly string[];
  /** A directory of its own, which the worker makes and removes. */
  readonly directory: string;
  /** What tags its processes. */
  readonly workerTag: string;
  /** Whether the CLI gets our own short instructions and no tool but the image tool. */
  readonly minimalInstructions: boolean;
  /**
   * Told of every call of the image tool as it begins: the JSON arguments, or the program that makes the call.
   *
   * What it throws ends the worker, before the picture is drawn and paid for.
   */
  readonly onToolCall?: (call: string) => void;
}

/** What a worker made. */
export interface WorkerImage {
  /** The file as the CLI wrote it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the CLI keeps of it, which is there a moment later. */
  readonly facts: Promise<SessionSummary>;
}

/** A worker under way. */
export interface Worker {
  /** Tells whether the CLI has begun its thread, as soon as it has or has ended without one. */
  readonly started: Promise<boolean>;
  /** The picture as soon as it is whole; rejects with a `Failure` or the signal's reason. */
  readonly picture: Promise<WorkerImage>;
  /** Resolves when every process and every file of the worker is gone. */
  readonly ended: Promise<void>;
}

/**
 * Lets workers start side by side, except where one must go ahead: the first on a fresh home, which
 * unpacks files there, and one that will refresh the login.
 */
export class StartupGate {
  readonly #authFile: string;
  readonly #lock: LoginLock;
  #next: Promise<void> = Promise.resolve();
  #isUnpacked = false;

  /**
   * @param authFile The login file.
   * @param lock Keeps other servers from refreshing the same login.
   */
  constructor(authFile: string, lock: LoginLock) {
    this.#authFile = authFile;
    this.#lock = lock;
  }

  /**
   * Waits until a worker may start.
   *
   * @param started Tells whether it has begun its thread, as soon as it has or has ended without one.
   * @param signal Gives the turn up.
   * @returns Whether it will refresh the login.
   */
  take(started: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const before = this.#next;
    const turn = abortable(before, signal).then(async () => {
      if (!await isTokenRefreshDue(this.#authFile)) return false;
      const unlock = await this.#lock(signal);
      // Another server may have refreshed it meanwhile.
      const refreshes = await isTokenRefreshDue(this.#authFile);
      if (refreshes) started.finally(unlock);
      else unlock();
      return refreshes;
    }).then((refreshes) => {
      signal.throwIfAborted();
      return refreshes;
    });
    this.#next = turn.then(async (refreshes) => {
      if (!refreshes && this.#isUnpacked) return;
      // One that ended before it began may have left the files half unpacked.
      if (await started) this.#isUnpacked = true;
    }, () => before);
    return turn;
  }
}

/**
 * Starts one `codex exec` for one picture.
 *
 * It ends for exactly one reason, the first of these: a whole picture, a final failure of the image
 * tool, the CLI's own end, or the signal.
 */
export function startWorker(
  setup: WorkerEnvironment,
  task: WorkerTask,
  signal: AbortSignal,
): Worker {
  const started = Promise.withResolvers<boolean>();
  const picture = Promise.withResolvers<WorkerImage>();
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
      await copyDatabases(setup.databases, databasesIn(task.directory));
      signal.throwIfAborted();
      process = startProcess(setup, task);
      const thread = process.thread.then((id) => {
        session = followSession(setup.home, id, (call) => {
          process?.connection.reset();
          refuseForeignPaths(call, task.images);
          task.onToolCall?.(call);
        });
        started.resolve(true);
        return session;
      });
      const path = await waitForPicture({ process, thread, setup }, signal);
      const bytes = await Deno.readFile(path);
      const facts = (await thread).facts().then((facts) => {
        for (const call of facts.toolCalls) {
          refuseForeignPaths(call, task.images);
        }
        return facts;
      });
      picture.resolve({ bytes, facts });
      await facts;
    } catch (error) {
      picture.reject(error);
    } finally {
      await process?.end();
      await session?.remove();
      await removeIfExists(task.directory);
    }
  }
}

function startProcess(
  setup: WorkerEnvironment,
  task: WorkerTask,
): CodexProcess {
  const { directory, images, workerTag } = task;
  const command = {
    program: setup.binary,
    args: codexArguments({ ...setup, ...task }),
  };
  const env = workerEnvironment(setup.env, { ...setup, workerTag });
  return new CodexProcess({
    ...(setup.readGuard === "landlock"
      ? landlockCommand(command, {
        readable: images,
        writable: [directory, setup.home, setup.authHome],
        binary: setup.binaryFile,
        env,
      })
      : command),
    env,
    cwd: directory,
    input: task.input,
    workerTag,
  });
}

function refuseForeignPaths(call: string, own: readonly string[]): void {
  if (readReferencedPaths(call).every((path) => own.includes(path))) return;
  throw new ApiError(
    "codex_exec_failed",
    "Cannot let Codex draw: it passes a file to the image model that is none of the request's references",
  );
}

interface Waiting {
  readonly process: CodexProcess;
  readonly thread: Promise<SessionFollower>;
  readonly setup: WorkerEnvironment;
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
        process.connection.lost,
        thread.then((session) => {
          directory = session.pictures;
          watching = watchForImage(directory, setup.check, decided.signal);
          return watching;
        }),
        thread.then((session) => session.watchToolCalls(decided.signal))
          .catch((error) => {
            // At once, because the call is made while we look.
            if (!decided.signal.aborted) process.kill();
            throw error;
          }),
        process.exited().then(async (traces) => {
          decided.signal.throwIfAborted();
          const { whole, wrong } = directory === undefined
            ? {}
            : await findImage(directory, setup.check);
          if (whole !== undefined) return whole;
          throw classifyError({ ...traces, badFile: wrong });
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
