import { isAbsolute, join, relative, resolve } from "@std/path";
import { closestString } from "@std/text/closest-string";
import * as z from "zod";

/** What the names of all settings begin with. */
export const PREFIX = "CODEX_IMAGE_SERVER_";

const text = z.string().min(1);
const flag = z.enum(["0", "1"]).transform((value) => value === "1");
const list = z.string().transform((value) =>
  value.split(",").map((item) => item.trim()).filter((item) => item !== "")
);
const whole = (min: number, max: number) =>
  z.string().regex(/^\d{1,15}$/).transform(Number)
    .pipe(z.number().min(min).max(max));
const origin = z.url({ protocol: /^https?$/ }).refine((value) =>
  /^https?:\/\/[^/?#@]+\/?$/.test(value)
).transform((value) => value.replace(/\/$/, ""));
const host = z.string().regex(/^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i)
  .refine((value) => Number(/:(\d+)$/.exec(value)?.[1] ?? 0) <= 65_535);
const address = z.union([
  z.ipv4(),
  z.ipv6(),
  z.string().regex(/^(?=.*[a-z])[\w-]+(?:\.[\w-]+)*$/i),
]);

const SETTINGS = {
  HOST: [address, "an address of this machine, such as 127.0.0.1 or ::1"],
  PORT: [whole(0, 65_535), "a whole number from 0 to 65535"],
  API_KEY: [
    z.string().regex(/^[\x21-\x7e]+$/),
    "printable ASCII without spaces",
  ],
  TIMEOUT_MS: [whole(1_000, 86_400_000), "milliseconds from 1000 to 86400000"],
  MAX_BODY_BYTES: [whole(1_024, 2 ** 31), "bytes from 1024 to 2147483648"],
  MIN_UPLOAD_BYTES_PER_S: [
    whole(0, 999_999_999),
    "bytes a second from 0 to 999999999",
  ],
  UPLOAD_GRACE_MS: [whole(100, 600_000), "milliseconds from 100 to 600000"],
  MAX_CONNECTIONS: [whole(1, 10_000), "a whole number from 1 to 10000"],
  HEADER_TIMEOUT_MS: [whole(100, 600_000), "milliseconds from 100 to 600000"],
  IDLE_TIMEOUT_MS: [
    whole(100, 86_400_000),
    "milliseconds from 100 to 86400000",
  ],
  MAX_STREAMS: [whole(1, 10_000), "a whole number from 1 to 10000"],
  MIN_FREE_BYTES: [
    whole(0, 999_999_999_999_999),
    "bytes from 0 to 999999999999999",
  ],
  OUTPUT_DIR: [text, "a directory"],
  DATA_DIR: [text, "a directory"],
  PUBLIC_URL: [
    origin,
    "an address such as http://192.168.1.5:17341, without a path",
  ],
  PUBLIC_DIR: [
    text.refine(isAbsolute),
    "an absolute directory, as callers see it",
  ],
  ALLOWED_HOSTS: [
    list.pipe(z.array(host)),
    "host[:port] values, separated by commas",
  ],
  ALLOWED_ORIGINS: [
    list.pipe(z.array(origin)),
    "web origins such as https://example.com, separated by commas; pages without one need the key of API_KEY",
  ],
  LOG_FILE: [text, "a file"],
  LOG_MAX_BYTES: [
    whole(1_024, 999_999_999_999_999),
    "bytes from 1024 to 999999999999999",
  ],
  JOB_TTL_MS: [
    whole(1_000, 2_592_000_000),
    "milliseconds from 1000 to 2592000000",
  ],
  STORE_PROMPTS: [flag, "0 or 1"],
  RETENTION_DAYS: [whole(1, 36_500), "days from 1 to 36500"],
  RETENTION_MAX_COUNT: [
    whole(1, 999_999_999),
    "a whole number from 1 to 999999999",
  ],
  RETENTION_MAX_BYTES: [
    whole(1, 999_999_999_999_999),
    "bytes from 1 to 999999999999999",
  ],
  PAUSE_ON_USAGE_LIMIT: [flag, "0 or 1"],
  MAX_WORKERS: [whole(1, 64), "a whole number from 1 to 64"],
  MAX_QUEUE: [whole(0, 10_000), "a whole number from 0 to 10000"],
  CODEX_BIN: [text, "the path of a Codex binary"],
  LEAN: [flag, "0 or 1"],
  CODEX_AUTH_HOME: [text, "the directory that holds auth.json"],
  CODEX_MODEL: [z.string().regex(/^[\w.:/-]{1,100}$/), "a model name"],
  UPSTREAM_URL: [
    origin,
    "an address such as http://127.0.0.1:9000, without a path",
  ],
  SANDBOX: [flag, "0 or 1"],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

/** The names of all settings, without the prefix. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS);

/** The settings that are set, each checked by itself. */
export type Settings = {
  readonly [Name in keyof typeof SETTINGS]?: z.output<typeof SETTINGS[Name][0]>;
};

/** A setting that cannot be used; the message is one line for the person who starts the server. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads and checks the variables that are set; an empty one counts as not set.
 *
 * @throws {ConfigError} A value cannot be used.
 */
export function readSettings(env: Readonly<Record<string, string>>): Settings {
  const settings: Record<string, unknown> = {};
  for (const [name, [schema, expected]] of Object.entries(SETTINGS)) {
    const value = env[PREFIX + name];
    if (value === undefined || value === "") continue;
    const result = schema.safeParse(value);
    if (!result.success) {
      const shown = name === "API_KEY" ? "(hidden)" : JSON.stringify(value);
      throw new ConfigError(
        `Cannot use ${PREFIX}${name} ${shown}: expected ${expected}`,
      );
    }
    settings[name] = result.data;
  }
  return settings as Settings;
}

/** Warns of names that begin like ours and are not, each with the nearest known one. */
export function unknownNames(env: Readonly<Record<string, string>>): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .filter((name) => !SETTING_NAMES.includes(name))
    .map((name) =>
      `Cannot use ${PREFIX}${name}: unknown setting, did you mean ${PREFIX}${
        closestString(name, SETTING_NAMES)
      }?`
    );
}

/** The settings of one server, checked and with absolute paths. */
export interface Config {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 picks a free one. */
  readonly port: number;
  /** The key that callers must send, if any. */
  readonly apiKey: string | undefined;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** How fast a body has to come, in bytes a second; 0 for any pace. */
  readonly minUploadBytesPerS: number;
  /** For how long a body may be slower, in milliseconds. */
  readonly uploadGraceMs: number;
  /** How many connections may be open at once. */
  readonly maxConnections: number;
  /** How long the head of a request may take, in milliseconds. */
  readonly headerTimeoutMs: number;
  /** How long a connection may be open without a request, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** How many answers may be streams of events at once. */
  readonly maxStreams: number;
  /** How much space has to be free before work is started, in bytes. */
  readonly minFreeBytes: number;
  /** Where pictures are kept. */
  readonly outputDir: string;
  /** Where the server keeps its own files: the CLI's home and the workers' directories. */
  readonly dataDir: string;
  /** The address in URLs that callers get; the listening address when undefined. */
  readonly publicUrl: string | undefined;
  /** The output directory as callers see it; {@linkcode Config.outputDir} when undefined. */
  readonly publicDir: string | undefined;
  /** Further `Host` values to accept, such as `host.docker.internal:17341`. */
  readonly allowedHosts: readonly string[];
  /** Web origins that may call the API, such as `https://example.com`. */
  readonly allowedOrigins: readonly string[];
  /** A file that gets a copy of the log. */
  readonly logFile: string | undefined;
  /** How large that file may grow before it becomes the old one, in bytes. */
  readonly logMaxBytes: number;
  /** How long a finished job is kept, in milliseconds. */
  readonly jobTtlMs: number;
  /** Whether prompts are kept beside the pictures, shown and searched for. */
  readonly storePrompts: boolean;
  /** For how many days a picture is kept; for ever when undefined. */
  readonly retentionDays: number | undefined;
  /** How many pictures are kept, the newest; all when undefined. */
  readonly retentionMaxCount: number | undefined;
  /** How many bytes of pictures are kept, the newest; all when undefined. */
  readonly retentionMaxBytes: number | undefined;
  /** Whether a usage limit stops all work until it is over. */
  readonly pauseOnUsageLimit: boolean;
  /** How many `codex exec` processes may run at once. */
  readonly maxWorkers: number;
  /** How many candidates may wait for a worker. */
  readonly maxQueue: number;
  /** The Codex binary, or its name on PATH; the pinned package or `codex` on PATH when undefined. */
  readonly codexBin: string | undefined;
  /** Whether the CLI gets our own short instructions and no tool but the image tool. */
  readonly minimalInstructions: boolean;
  /** The directory with the login. */
  readonly authHome: string;
  /** The chat model that calls the image tool; the CLI's default when undefined. */
  readonly model: string | undefined;
  /** The service that the CLI talks to instead of the real one. */
  readonly upstreamUrl: string | undefined;
  /** Whether the offline sandbox backend stands in for the real service. */
  readonly sandbox: boolean;
}

/**
 * Reads the settings from environment variables.
 *
 * An empty variable counts as not set.
 *
 * @param env The environment.
 * @param cwd What relative paths are relative to.
 * @returns The settings, and one warning for each unknown `CODEX_IMAGE_SERVER_…` name.
 * @throws {ConfigError} A value cannot be used.
 */
export function readConfig(
  env: Readonly<Record<string, string>>,
  cwd: string,
): { readonly config: Config; readonly warnings: readonly string[] } {
  const settings = readSettings(env);
  const absolute = (path: string) => resolve(cwd, path);
  const optional = (path: string | undefined) =>
    path === undefined ? undefined : absolute(path);
  if (settings.SANDBOX && settings.UPSTREAM_URL !== undefined) {
    throw new ConfigError(
      `Cannot use ${PREFIX}UPSTREAM_URL "${settings.UPSTREAM_URL}" together with ${PREFIX}SANDBOX=1: expected one of the two`,
    );
  }
  const outputDir = absolute(settings.OUTPUT_DIR ?? "output");
  const dataDir = absolute(settings.DATA_DIR ?? "data");
  // What lies in the one is emptied and tidied without asking.
  if (!/^\.\.(?:\/|$)/.test(relative(dataDir, outputDir))) {
    throw new ConfigError(
      `Cannot use ${PREFIX}OUTPUT_DIR "${outputDir}": expected a directory outside of ${PREFIX}DATA_DIR "${dataDir}"`,
    );
  }
  const config: Config = {
    host: settings.HOST ?? "127.0.0.1",
    port: settings.PORT ?? 17_341,
    apiKey: settings.API_KEY,
    timeoutMs: settings.TIMEOUT_MS ?? 600_000,
    maxBodyBytes: settings.MAX_BODY_BYTES ?? 100_663_296,
    minUploadBytesPerS: settings.MIN_UPLOAD_BYTES_PER_S ?? 1_024,
    uploadGraceMs: settings.UPLOAD_GRACE_MS ?? 10_000,
    maxConnections: settings.MAX_CONNECTIONS ?? 256,
    headerTimeoutMs: settings.HEADER_TIMEOUT_MS ?? 10_000,
    idleTimeoutMs: settings.IDLE_TIMEOUT_MS ?? 75_000,
    maxStreams: settings.MAX_STREAMS ?? 64,
    minFreeBytes: settings.MIN_FREE_BYTES ?? 268_435_456,
    outputDir,
    dataDir,
    publicUrl: settings.PUBLIC_URL,
    publicDir: settings.PUBLIC_DIR,
    allowedHosts: settings.ALLOWED_HOSTS ?? [],
    allowedOrigins: settings.ALLOWED_ORIGINS ?? [],
    logFile: optional(settings.LOG_FILE),
    logMaxBytes: settings.LOG_MAX_BYTES ?? 10_485_760,
    jobTtlMs: settings.JOB_TTL_MS ?? 3_600_000,
    storePrompts: settings.STORE_PROMPTS ?? false,
    retentionDays: settings.RETENTION_DAYS,
    retentionMaxCount: settings.RETENTION_MAX_COUNT,
    retentionMaxBytes: settings.RETENTION_MAX_BYTES,
    // The limits of the sandbox are for trying, and should not stop the rest.
    pauseOnUsageLimit: settings.PAUSE_ON_USAGE_LIMIT ?? !settings.SANDBOX,
    maxWorkers: settings.MAX_WORKERS ?? 4,
    maxQueue: settings.MAX_QUEUE ?? 32,
    // A name alone is looked for on PATH, as a shell does.
    codexBin: settings.CODEX_BIN?.includes("/")
      ? absolute(settings.CODEX_BIN)
      : settings.CODEX_BIN,
    minimalInstructions: settings.LEAN ?? true,
    authHome: absolute(
      settings.CODEX_AUTH_HOME || env.CODEX_HOME ||
        join(env.HOME || cwd, ".codex"),
    ),
    model: settings.CODEX_MODEL,
    upstreamUrl: settings.UPSTREAM_URL,
    sandbox: settings.SANDBOX ?? false,
  };
  return { config, warnings: unknownNames(env) };
}
