const NOT_NEEDED = [
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

const LEAN_SETTINGS: Readonly<Record<string, string | number | boolean>> = {
  "web_search": "disabled",
  "project_doc_max_bytes": 0,
  "skills.include_instructions": false,
  "include_environment_context": false,
  "include_permissions_instructions": false,
  "include_apps_instructions": false,
  "include_collaboration_mode_instructions": false,
  "model_reasoning_effort": "low",
};

const QUIET_SETTINGS: Readonly<Record<string, string | number | boolean>> = {
  "analytics.enabled": false,
  "check_for_update_on_startup": false,
  "history.persistence": "none",
};

/** What the arguments of one worker depend on. */
export interface CommandOptions {
  /** Whether our own short instructions replace the CLI's, and its other tools are off. */
  readonly lean: boolean;
  /** The file with our instructions. */
  readonly instructionsFile: string;
  /** Where the CLI keeps its databases; they hold prompts and pictures, so they die with the worker. */
  readonly databaseDir: string;
  /** The chat model; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
  /** Files to attach, in order. */
  readonly images: readonly string[];
}

/**
 * Makes the arguments of `codex exec` for one picture.
 *
 * The prompt is no argument: it goes to standard input, where no process list shows it.
 */
export function codexArguments(options: CommandOptions): string[] {
  const { lean, model, upstreamUrl } = options;
  return [
    "exec",
    "--json",
    "--skip-git-repo-check",
    "--ignore-user-config",
    "--ignore-rules",
    "--sandbox",
    "read-only",
    ...(lean ? NOT_NEEDED.flatMap((name) => ["--disable", name]) : []),
    ...setting({
      ...QUIET_SETTINGS,
      "sqlite_home": options.databaseDir,
      ...(lean ? LEAN_SETTINGS : {}),
      ...(lean ? { model_instructions_file: options.instructionsFile } : {}),
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

// JSON strings are TOML strings.
function setting(
  values: Readonly<Record<string, string | number | boolean>>,
): string[] {
  return Object.entries(values)
    .flatMap(([name, value]) => ["-c", `${name}=${JSON.stringify(value)}`]);
}
