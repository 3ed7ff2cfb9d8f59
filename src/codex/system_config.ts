/** Where the system keeps settings for the CLI of every user. */
export const SYSTEM_DIRECTORY = "/etc/codex";

/** Settings of the system that would change what workers do or with whom they talk, and that our arguments can undo. */
const SYSTEM_OVERRIDES = {
  "notify": [],
  "model_provider": "openai",
  "developer_instructions": "",
  "features.hooks": false,
  "otel.exporter": "none",
  "otel.trace_exporter": "none",
  "otel.metrics_exporter": "none",
} as const;

/** What begins the names of settings that must not come from the system. */
const FOREIGN =
  /^(?:notify|model_provider$|developer_instructions|features\.|hooks|otel\.\w*exporter|openai_base_url|chatgpt_base_url|sandbox_mode|mcp_servers)/;

/** What the system's layers of settings do to workers. */
export interface SystemConfig {
  /** The names of the servers of tools that workers have to switch off. */
  readonly mcpServers: readonly string[];
  /** The settings that reach workers nevertheless, by the file that they stand in. */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
}

/** Whether the system has settings for the CLI at all. */
export async function hasSystemConfig(): Promise<boolean> {
  try {
    return (await Deno.stat(SYSTEM_DIRECTORY)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * The settings that undo those of the system, each `name=value`.
 *
 * @param mcpServers The servers of tools that the system has; names that would need quotes are passed over.
 */
export function systemSettings(mcpServers: readonly string[] = []): string[] {
  const off = mcpServers.filter((name) => /^[\w-]+$/.test(name))
    .map((name) => [`mcp_servers.${name}.enabled`, false]);
  return [...Object.entries(SYSTEM_OVERRIDES), ...off]
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
}

/** Reads what the CLI answers to the question `config/read`. */
export function readSystemConfig(answer: unknown): SystemConfig {
  const { config, origins } = record(answer);
  const { features, mcp_servers, notify, otel } = record(config);
  const servers = record(mcp_servers);
  const foreign = new Map<string, string[]>();
  for (const [key, origin] of Object.entries(record(origins))) {
    const { file, type } = record(record(origin).name);
    if (type === "sessionFlags" || !FOREIGN.test(key)) continue;
    // A worker's own switches come before those of this layer, and after those of the other.
    if (type === "system" && key.startsWith("features.")) continue;
    const [top, name] = key.split(".");
    // The origins name also what is overridden as a whole.
    const isOff = {
      hooks: record(features).hooks === false,
      mcp_servers: record(servers[name]).enabled === false,
      notify: Array.isArray(notify) && notify.length === 0,
      otel: record(otel)[name] === "none",
    }[top] ?? false;
    if (isOff) continue;
    const setting = ["features", "mcp_servers", "otel"].includes(top)
      ? `${top}.${name}`
      : top;
    const where = typeof file === "string" ? file : "the system's settings";
    const keys = foreign.get(where) ?? [];
    if (!keys.includes(setting)) foreign.set(where, [...keys, setting]);
  }
  return { mcpServers: Object.keys(servers), foreign };
}

/** Says what is wrong with the system's settings, and what to do; undefined where nothing is. */
export function describeForeign(
  { foreign }: SystemConfig,
): string | undefined {
  if (foreign.size === 0) return undefined;
  const all = [...foreign].map(([file, keys]) =>
    `${keys.join(", ")} of ${file}`
  );
  return `${
    all.join(" and ")
  } reach the workers, whatever the server says: remove them from there`;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? value as Record<string, unknown>
    : {};
}
