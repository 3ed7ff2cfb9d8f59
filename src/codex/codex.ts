import { join } from "@std/path";
import { ApiError } from "../errors.ts";
import type { Log } from "../log.ts";
import { delayAbort } from "../util.ts";
import {
  type CliSetup,
  type CodexStatus,
  codexVersion,
  compareVersions,
  findReadGuard,
  imageToolStatus,
  loginStatus,
  makeDatabases,
  resolveLinks,
  TESTED_VERSION,
  type VersionStatus,
} from "./cli.ts";
import { askAppServer, NoAnswerError, type Question } from "./app_server.ts";
import { findCodexBinary } from "./command.ts";
import { InstructionsRefusedError, loginRequired, truncate } from "./errors.ts";
import { type CodexHome, prepareHome } from "./home.ts";
import type { ImageCheck } from "./image_watcher.ts";
import {
  isReadableFile,
  isTokenRefreshDue,
  loginAccount,
  loginId,
  loginKind,
  loginLock,
} from "./login.ts";
import {
  API_KEY_PROBLEM,
  findLoginProblem,
  type LoginProblem,
} from "./login_problem.ts";
import { killAll } from "./process_tree.ts";
import {
  describeForeign,
  hasSystemConfig,
  readSystemConfig,
  type SystemConfig,
  systemSettings,
} from "./system_config.ts";
import { USAGE_QUESTION, UsageReader } from "./usage.ts";
import {
  StartupGate,
  startWorker,
  type Worker,
  type WorkerEnvironment,
  type WorkerImage,
  type WorkerTask,
} from "./worker.ts";

/** How long the question for the quota may take, in milliseconds. */
const USAGE_MS = 10_000;
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
  readonly minimalInstructions: boolean;
  /** The chat model; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** The server's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What the tags of all processes of this server begin with. */
  readonly instance: string;
  /** Tells a whole picture from a file that is still being written. */
  readonly check: ImageCheck;
  /** Where to say what happens. */
  readonly log: Log;
}

/** The installed Codex CLI: its home, its login and its workers. */
export class Codex {
  #setup: WorkerEnvironment;
  readonly #home: CodexHome;
  readonly #options: CodexOptions;
  readonly #turns: StartupGate;
  #minimalInstructions: boolean;
  #status: VersionStatus | undefined;
  readonly #usage = new UsageReader(
    () => this.#askUsage(),
    () => loginAccount(this.#home.authFile),
  );
  readonly #closing = new AbortController();
  #asking: Promise<unknown> = Promise.resolve();

  private constructor(
    setup: WorkerEnvironment,
    home: CodexHome,
    options: CodexOptions,
  ) {
    this.#setup = setup;
    this.#home = home;
    this.#options = options;
    this.#turns = new StartupGate(
      home.authFile,
      loginLock(options.authHome),
    );
    this.#minimalInstructions = options.minimalInstructions;
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
    const { dataDir, env, instance, log, upstreamUrl } = options;
    const binary = findCodexBinary(options.codexBin);
    const cli = {
      binary,
      env,
      home: home.loginlessHome,
      instance,
      upstreamUrl,
    };
    const setup = {
      ...options,
      ...cli,
      home: home.path,
      instructionsFile: home.instructionsFile,
      ...await prepareWorkers(cli, join(dataDir, "database-template"), log),
    };
    const codex = new Codex(setup, home, options);
    const { version } = await codex.checkVersion();
    if (version !== undefined && compareVersions(version, TESTED_VERSION) > 0) {
      log("warn", "codex.version.untested", {
        version,
        tested: TESTED_VERSION,
      });
    }
    await codex.#reportLogin();
    const { detail, ok } = await codex.checkSystemConfig();
    if (!ok) log("warn", "codex.system_config", { found: detail });
    return codex;
  }

  /** The CLI's version, such as `0.169.0`; undefined where it cannot be asked. */
  get version(): string | undefined {
    return this.#status?.version;
  }

  /** Asks for the version anew. */
  async checkVersion(): Promise<VersionStatus> {
    return this.#status = await codexVersion(this.#setup);
  }

  /**
   * Makes sure that the CLI is one that can make pictures, before anything is started.
   *
   * @throws {ApiError} `codex_unsupported`: it is too old, or does not tell its version.
   */
  async requireSupported(): Promise<void> {
    if (this.#status?.ok) return;
    // Another one may have been installed meanwhile.
    const { detail, isStartable, ok } = await this.checkVersion();
    // The worker tells better what keeps it from being started.
    if (ok || !isStartable) return;
    throw new ApiError("codex_unsupported", detail);
  }

  /** Whether the login will do. */
  async checkLogin(): Promise<CodexStatus> {
    const trouble = await this.#findLoginProblem();
    return trouble === undefined || trouble.isUsable
      ? await loginStatus(this.#setup)
      : { ok: false, detail: `${trouble.found}; ${trouble.remedy}` };
  }

  /** Whether the login can be refreshed; one that cannot is good until it has to be. */
  async checkLoginWritable(): Promise<CodexStatus> {
    const { authHome } = this.#options;
    const trouble = await findLoginProblem(authHome);
    if (trouble === undefined) return { ok: true, detail: authHome };
    const ok = trouble.isUsable &&
      !await isTokenRefreshDue(this.#home.authFile);
    const detail = `${trouble.found}; ${trouble.remedy}`;
    return { ok, detail: ok ? `Warning: ${detail}` : detail };
  }

  /** Whether the image tool is switched on. */
  checkImageTool(): Promise<CodexStatus> {
    // With a login that is about to end, this question alone would refresh it.
    return imageToolStatus({ ...this.#setup, home: this.#home.loginlessHome });
  }

  /**
   * Makes sure that there is a login at all, before anything is started.
   *
   * @throws {ApiError} There is none.
   */
  async requireLogin(): Promise<void> {
    const kind = await loginKind(this.#home.authFile);
    if (kind !== "api_key" && await isReadableFile(this.#home.authFile)) return;
    const trouble = await this.#findLoginProblem();
    if (trouble === undefined || trouble.isUsable) return;
    throw loginRequired(trouble.found, trouble.remedy);
  }

  /** Whether no settings of the system reach the workers, beside those that our arguments undo. */
  async checkSystemConfig(): Promise<CodexStatus> {
    if (!await hasSystemConfig()) return { ok: true, detail: "none" };
    try {
      // The first answer names the servers of tools, the second shows whether they can be switched off.
      const { mcpServers } = await this.#readSystemConfig();
      this.#setup = { ...this.#setup, mcpServers };
      const found = describeForeign(await this.#readSystemConfig());
      return found === undefined
        ? { ok: true, detail: "none that reaches the workers" }
        : { ok: false, detail: found };
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      return {
        ok: false,
        detail: `Cannot tell which settings of the system Codex takes: ${
          truncate(error.message)
        }`,
      };
    }
  }

  async #readSystemConfig(): Promise<SystemConfig> {
    const { loginlessHome: home } = this.#home;
    const settings = systemSettings(this.#setup.mcpServers);
    const question = {
      method: "config/read",
      params: {},
      // Workers name their sandbox too.
      settings: [...settings, 'sandbox_mode="read-only"'],
    };
    const { signal } = this.#closing;
    return readSystemConfig(
      await this.#askAppServer({ home, question }, signal),
    );
  }

  async #askUsage(): Promise<unknown> {
    await this.requireLogin();
    const signal = AbortSignal.any([
      this.#closing.signal,
      AbortSignal.timeout(USAGE_MS),
    ]);
    const asked = Promise.withResolvers<boolean>();
    try {
      // It may refresh the login, as a worker does.
      await this.#turns.take(asked.promise, signal);
      const { path: home } = this.#home;
      const question = {
        ...USAGE_QUESTION,
        settings: [
          ...systemSettings(this.#setup.mcpServers),
          `sqlite_home=${JSON.stringify(this.#home.loginlessHome)}`,
        ],
      };
      return await this.#askAppServer({ home, question }, signal);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      throw new NoAnswerError(`it did not answer within ${USAGE_MS} ms`);
    } finally {
      asked.resolve(false);
    }
  }

  #askAppServer(
    { home, question }: { readonly home: string; readonly question: Question },
    signal: AbortSignal,
  ): Promise<unknown> {
    const workerTag = `${this.#options.instance}.ask-${crypto.randomUUID()}`;
    const setup = { ...this.#setup, home, workerTag };
    const answer = askAppServer(setup, question, signal);
    // Without the answers: each would hold the one before.
    this.#asking = Promise.allSettled([this.#asking, answer]).then(() => {});
    return answer;
  }

  /** Ends the questions to the CLI that are under way. */
  async close(): Promise<void> {
    this.#closing.abort(new NoAnswerError("the server shuts down"));
    await this.#asking;
  }

  /** Knows how much of the quota is used. */
  get usage(): UsageReader {
    return this.#usage;
  }

  /** Tells one login from another. */
  loginId(): Promise<string> {
    return loginId(this.#home.authFile);
  }

  /**
   * Starts a worker.
   *
   * Where the service refuses our instructions, the worker is run once more with the CLI's own, and
   * so are all later ones.
   */
  start(
    task: Omit<WorkerTask, "minimalInstructions">,
    signal: AbortSignal,
  ): Worker {
    const started = Promise.withResolvers<boolean>();
    const picture = Promise.withResolvers<WorkerImage>();
    picture.promise.catch(() => {});
    const ended = this.#turns.take(started.promise, signal)
      .then(async (refreshes) => {
        // To end the CLI while it refreshes the login would lose the new one.
        using held = refreshes
          ? delayAbort(signal, started.promise, REFRESH_MS)
          : undefined;
        const { signal: ending } = held ?? { signal };
        await this.#run(task, ending, { started, picture });
      }, (error) => picture.reject(error))
      .finally(() => started.resolve(false));
    return { started: started.promise, picture: picture.promise, ended };
  }

  async #run(
    task: Omit<WorkerTask, "minimalInstructions">,
    signal: AbortSignal,
    { started, picture }: {
      started: PromiseWithResolvers<boolean>;
      picture: PromiseWithResolvers<WorkerImage>;
    },
  ): Promise<void> {
    const minimalInstructions = this.#minimalInstructions;
    const worker = startWorker(
      this.#setup,
      { ...task, minimalInstructions },
      signal,
    );
    worker.started.then((begun) => begun && started.resolve(true));
    try {
      const image = await worker.picture;
      picture.resolve(image);
      this.#usage.countImage();
      image.facts.then(
        ({ rateLimits }) => this.#usage.note(rateLimits),
        () => {},
      );
    } catch (error) {
      if (error instanceof ApiError && error.code === "usage_limit_reached") {
        this.#usage.expire();
      }
      if (
        !minimalInstructions || !(error instanceof InstructionsRefusedError)
      ) {
        picture.reject(error);
      } else {
        this.#minimalInstructions = false;
        this.#options.log("warn", "codex.lean.refused", {
          version: this.version,
        });
        await worker.ended;
        return await this.#run(task, signal, { started, picture });
      }
    }
    await worker.ended;
  }

  async #findLoginProblem(): Promise<LoginProblem | undefined> {
    const kind = await loginKind(this.#home.authFile);
    return kind === "api_key"
      ? API_KEY_PROBLEM
      : await findLoginProblem(this.#options.authHome);
  }

  async #reportLogin(): Promise<void> {
    const trouble = await this.#findLoginProblem();
    if (trouble === undefined) return;
    this.#options.log("warn", "codex.login.trouble", {
      kind: trouble.kind,
      found: trouble.found,
      remedy: trouble.remedy,
    });
  }
}

async function prepareWorkers(
  cli: CliSetup,
  template: string,
  log: Log,
): Promise<Pick<WorkerEnvironment, "binaryFile" | "databases" | "readGuard">> {
  const [binaryFile, readGuard, hasDatabases] = await Promise.all([
    resolveLinks(cli),
    findReadGuard(cli),
    makeDatabases(cli, template),
  ]);
  if (readGuard === "none") log("warn", "codex.read_guard.missing", {});
  if (!hasDatabases) log("warn", "codex.databases.missing", {});
  return {
    binaryFile,
    readGuard,
    databases: hasDatabases ? template : undefined,
  };
}
