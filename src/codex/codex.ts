import type { Log } from "../log.ts";
import { findCodexBinary } from "./binary.ts";
import { InstructionsRefused, loginRequired } from "./failure.ts";
import { holdAbort } from "./hold_abort.ts";
import { type CodexHome, hasLogin, prepareHome } from "./home.ts";
import { findLoginTrouble } from "./login_check.ts";
import type { PictureCheck } from "./picture_watch.ts";
import { killAll } from "./processes.ts";
import { StartTurns } from "./start_turns.ts";
import {
  type CodexStatus,
  codexVersion,
  imageToolStatus,
  loginStatus,
} from "./status.ts";
import {
  startWorker,
  type Worker,
  type WorkerPicture,
  type WorkerSetup,
  type WorkerTask,
} from "./worker.ts";

/** How long the end of a worker waits for a refresh of the login, in milliseconds. */
const REFRESH_MS = 1_000;

/** What a {@linkcode Codex} depends on. */
export interface CodexOptions {
  /** The server's own directory. */
  readonly dataDir: string;
  /** The directory with the user's login. */
  readonly authHome: string;
  /** The Codex binary; the pinned package's or the one on PATH when undefined. */
  readonly codexBin: string | undefined;
  /** Whether workers get our own short instructions and no tool but the image tool. */
  readonly lean: boolean;
  /** The chat model; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** The server's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What the marks of all workers of this server begin with. */
  readonly instance: string;
  /** Tells a whole picture from a file that is still being written. */
  readonly check: PictureCheck;
  /** Where to say what happens. */
  readonly log: Log;
}

/** The installed Codex CLI: its home, its login and its workers. */
export class Codex {
  readonly #setup: WorkerSetup;
  readonly #home: CodexHome;
  readonly #options: CodexOptions;
  readonly #turns: StartTurns;
  #lean: boolean;
  #version: string | undefined;

  private constructor(
    setup: WorkerSetup,
    home: CodexHome,
    options: CodexOptions,
  ) {
    this.#setup = setup;
    this.#home = home;
    this.#options = options;
    this.#turns = new StartTurns(home.authFile);
    this.#lean = options.lean;
  }

  /**
   * Prepares the home, ends what a former life of this server left running, asks for the version and
   * looks at the login.
   */
  static async open(options: CodexOptions): Promise<Codex> {
    const killed = await killAll(`${options.instance}.*`);
    if (killed > 0) {
      options.log("warn", "codex.orphans.killed", { processes: killed });
    }
    const home = await prepareHome(options.dataDir, options.authHome);
    const codex = new Codex(
      {
        binary: findCodexBinary(options.codexBin),
        home: home.path,
        instructionsFile: home.instructionsFile,
        model: options.model,
        upstreamUrl: options.upstreamUrl,
        env: options.env,
        check: options.check,
      },
      home,
      options,
    );
    await codex.checkVersion();
    await codex.#reportLogin();
    return codex;
  }

  /** The CLI's version, such as `0.169.0`; undefined where it cannot be asked. */
  get version(): string | undefined {
    return this.#version;
  }

  /** Asks for the version anew. */
  async checkVersion(): Promise<CodexStatus> {
    const status = await codexVersion(this.#setup);
    this.#version = status.ok ? status.detail : undefined;
    return status;
  }

  /** Whether the login will do. */
  async checkLogin(): Promise<CodexStatus> {
    const trouble = await findLoginTrouble(this.#options.authHome);
    return trouble === undefined || trouble.isUsable
      ? await loginStatus(this.#setup)
      : { ok: false, detail: `${trouble.found}; ${trouble.remedy}` };
  }

  /** Whether the login can be refreshed. */
  async checkLoginWritable(): Promise<CodexStatus> {
    const { authHome } = this.#options;
    const trouble = await findLoginTrouble(authHome);
    return trouble === undefined
      ? { ok: true, detail: authHome }
      : { ok: false, detail: `${trouble.found}; ${trouble.remedy}` };
  }

  /** Whether the image tool is switched on. */
  checkImageTool(): Promise<CodexStatus> {
    // With a login that is about to end, this question alone would refresh it.
    return imageToolStatus({ ...this.#setup, home: this.#home.bare });
  }

  /**
   * Makes sure that there is a login at all, before anything is started.
   *
   * @throws {Failure} There is none.
   */
  async requireLogin(): Promise<void> {
    if (await hasLogin(this.#home)) return;
    const trouble = await findLoginTrouble(this.#options.authHome);
    if (trouble === undefined || trouble.isUsable) return;
    throw loginRequired(trouble.found, trouble.remedy);
  }

  /**
   * Starts a worker.
   *
   * Where the service refuses our instructions, the worker is run once more with the CLI's own, and
   * so are all later ones.
   */
  start(task: Omit<WorkerTask, "lean">, signal: AbortSignal): Worker {
    const started = Promise.withResolvers<boolean>();
    const picture = Promise.withResolvers<WorkerPicture>();
    picture.promise.catch(() => {});
    const ended = this.#turns.take(started.promise, signal)
      .then(async (refreshes) => {
        // To end the CLI while it refreshes the login would lose the new one.
        using held = refreshes
          ? holdAbort(signal, started.promise, REFRESH_MS)
          : undefined;
        const { signal: ending } = held ?? { signal };
        await this.#run(task, ending, { started, picture });
      }, (error) => picture.reject(error))
      .finally(() => started.resolve(false));
    return { started: started.promise, picture: picture.promise, ended };
  }

  async #run(
    task: Omit<WorkerTask, "lean">,
    signal: AbortSignal,
    { started, picture }: {
      started: PromiseWithResolvers<boolean>;
      picture: PromiseWithResolvers<WorkerPicture>;
    },
  ): Promise<void> {
    const lean = this.#lean;
    const worker = startWorker(this.#setup, { ...task, lean }, signal);
    worker.started.then((begun) => begun && started.resolve(true));
    try {
      picture.resolve(await worker.picture);
    } catch (error) {
      if (!lean || !(error instanceof InstructionsRefused)) {
        picture.reject(error);
      } else {
        this.#lean = false;
        this.#options.log("warn", "codex.lean.refused", { mark: task.mark });
        await worker.ended;
        return await this.#run(task, signal, { started, picture });
      }
    }
    await worker.ended;
  }

  async #reportLogin(): Promise<void> {
    const trouble = await findLoginTrouble(this.#options.authHome);
    if (trouble === undefined) return;
    this.#options.log("warn", "codex.login.trouble", {
      kind: trouble.kind,
      found: trouble.found,
      remedy: trouble.remedy,
    });
  }
}
