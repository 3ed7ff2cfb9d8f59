import { dirname, join } from "@std/path";
import { createRequire } from "node:module";
import { WORKER_TAG_VARIABLE } from "./process_tree.ts";
import { permissionProfile, type ReadGuard } from "./read_guard.ts";
import { systemSettings } from "./system_config.ts";

/** The oldest CLI that makes pictures with our arguments. */
export const OLDEST_VERSION = "0.160.0";

const TRIPLES: Readonly<Record<string, string>> = {
  "linux-x86_64": "x86_64-unknown-linux-musl",
  "linux-aarch64": "aarch64-unknown-linux-musl",
  "darwin-x86_64": "x86_64-apple-darwin",
  "darwin-aarch64": "aarch64-apple-darwin",
};

const PASSED_ON = [
  "PATH",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "CODEX_CA_CERTIFICATE",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
] as const;
/** No proxy reaches the sandbox of this machine. */
const THIS_MACHINE = "localhost,127.0.0.1,::1";

/** Features that a picture does not need. Names come and go: a setting of an unknown one is a warning, an option is fatal. */
export const DISABLED_FEATURES = [
  "apps",
  "plugins",
  "remote_plugin",
  "multi_agent",
  "shell_tool",
  "unified_exec",
  "goals",
  "sleep_tool",
  "tool_suggest",
  "skill_search",
  "hooks",
  "memories",
  "browser_use",
  "computer_use",
  "in_app_browser",
  "shell_snapshot",
  "view_image",
  "worktrees",
  "workspace_dependencies",
] as const;

const MINIMAL_SETTINGS: Settings = {
  ...Object.fromEntries(
    DISABLED_FEATURES.map((name) => [`features.${name}`, false]),
  ),
  "agents.enabled": false,
  "tools.experimental_request_user_input.enabled": false,
  "web_search": "disabled",
  "project_doc_max_bytes": 0,
  "skills.include_instructions": false,
  "include_environment_context": false,
  "include_permissions_instructions": false,
  "include_apps_instructions": false,
  "include_collaboration_mode_instructions": false,
  "model_reasoning_effort": "low",
};

const USUAL_SETTINGS: Settings = {
  "analytics.enabled": false,
  "check_for_update_on_startup": false,
  "history.persistence": "none",
};

/** How long a program may run before the model is asked again, beyond any time limit, in milliseconds. */
const YIELD_MS = 86_400_000;

type Settings = Readonly<Record<string, string | number | boolean>>;

/** What the environment of one worker depends on. */
export interface EnvironmentOptions {
  /** The CLI's home. */
  readonly home: string;
  /** What tags the worker's processes. */
  readonly workerTag: string;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
}

/** What the arguments of one worker depend on. */
export interface CommandOptions {
  /** Whether our own short instructions replace the CLI's, and its other tools are off. */
  readonly minimalInstructions: boolean;
  /** The file with our instructions. */
  readonly instructionsFile: string;
  /** The worker's own directory, with the CLI's databases: they hold prompts and pictures, so they die with the worker. */
  readonly directory: string;
  /** The chat model; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** The servers of tools in the system's settings, to be switched off; none when left out. */
  readonly mcpServers?: readonly string[];
  /** Files to attach, in order; with its directory they are all that it may read. */
  readonly images: readonly string[];
  /** What enforces that. */
  readonly readGuard: ReadGuard;
}

/**
 * Finds the native Codex binary: the one that is asked for, else that of the pinned npm package,
 * else `codex` on PATH.
 *
 * The launcher script of the package is passed over, because killing it orphans the real process.
 *
 * @param configured A path that settles the question.
 */
export function findCodexBinary(configured?: string): string {
  return configured ?? packagedBinary() ?? "codex";
}

/**
 * Makes the environment of a worker: an allow-list of ours, and nothing else.
 *
 * `OPENAI_API_KEY` and its like would change who pays, and our own key is nobody's business.
 * The time zone is UTC, so that the CLI's "try again at 8:19 PM" can be understood.
 *
 * @param own The server's environment.
 */
export function workerEnvironment(
  own: Readonly<Record<string, string>>,
  options: EnvironmentOptions,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of PASSED_ON) {
    if (own[name] !== undefined) env[name] = own[name];
  }
  const noProxy = [own.NO_PROXY || own.no_proxy || [], THIS_MACHINE].flat();
  env.NO_PROXY = env.no_proxy = noProxy.join(",");
  env.HOME = options.home;
  env.CODEX_HOME = options.home;
  env.TZ = "UTC";
  env[WORKER_TAG_VARIABLE] = options.workerTag;
  if (options.upstreamUrl !== undefined) {
    env.CODEX_REFRESH_TOKEN_URL_OVERRIDE = `${options.upstreamUrl}/oauth/token`;
  }
  return env;
}

/**
 * Makes the arguments of `codex exec` for one picture.
 *
 * The prompt is no argument: it goes to standard input, where no process list shows it.
 */
export function codexArguments(options: CommandOptions): string[] {
  const { minimalInstructions, model, readGuard, upstreamUrl } = options;
  return [
    "exec",
    "--json",
    "--skip-git-repo-check",
    "--ignore-user-config",
    "--ignore-rules",
    ...(readGuard === "profile"
      ? permissionProfile([...options.images, options.directory])
      : ["--sandbox", "read-only"]),
    ...systemSettings(options.mcpServers).flatMap((given) => ["-c", given]),
    ...settingArguments({
      ...USUAL_SETTINGS,
      "sqlite_home": databasesIn(options.directory),
      // Else the model is asked again for each 30 s of drawing.
      "features.code_mode.default_exec_yield_time_ms": YIELD_MS,
      ...(minimalInstructions
        ? {
          ...MINIMAL_SETTINGS,
          model_instructions_file: options.instructionsFile,
        }
        : {}),
      ...(upstreamUrl === undefined ? {} : {
        openai_base_url: `${upstreamUrl}/v1`,
        chatgpt_base_url: `${upstreamUrl}/backend-api`,
      }),
    }),
    ...(model === undefined ? [] : ["--model", model]),
    // `-i` takes all words that follow it; as the last option with one word each it can do no harm.
    ...options.images.flatMap((path) => ["-i", path]),
  ];
}

/** Names the place of the CLI's databases in a worker's directory. */
export function databasesIn(directory: string): string {
  return join(directory, "databases");
}

function settingArguments(settings: Settings): string[] {
  // JSON strings are TOML strings.
  return Object.entries(settings)
    .flatMap(([name, value]) => ["-c", `${name}=${JSON.stringify(value)}`]);
}

function packagedBinary(): string | undefined {
  const { os, arch } = Deno.build;
  const triple = TRIPLES[`${os}-${arch}`];
  if (triple === undefined) return undefined;
  const cpu = arch === "x86_64" ? "x64" : "arm64";
  try {
    const launcher = import.meta.resolve("@openai/codex/package.json");
    const manifest = createRequire(launcher)
      .resolve(`@openai/codex-${os}-${cpu}/package.json`);
    return join(dirname(manifest), "vendor", triple, "bin", "codex");
  } catch (error) {
    // A container ships the binary on PATH and not as a package.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
