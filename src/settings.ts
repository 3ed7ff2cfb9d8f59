import { isAbsolute } from "@std/path";
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
