import { join, relative, resolve } from "@std/path";
import { closestString } from "@std/text/closest-string";
import type * as z from "zod";
import { PREFIX, type Setting, SETTING_NAMES, SETTINGS } from "./settings.ts";

/** The settings as they are read, each by itself. */
export type Settings = {
  readonly [Key in keyof typeof SETTINGS]:
    | Readonly<z.output<typeof SETTINGS[Key]["schema"]>>
    | (typeof SETTINGS[Key] extends { readonly default: string } ? never
      : undefined);
};

/** The settings of one server, checked together and with absolute paths. */
export interface Config extends Settings {
  readonly authHome: string;
  readonly maxInflightBytes: number;
  readonly pauseOnUsageLimit: boolean;
}

/** A setting that cannot be used; the message is one line for the person who starts the server. */
export class ConfigError extends Error {
  override name = "ConfigError";
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
  if (settings.sandbox && settings.upstreamUrl !== undefined) {
    throw new ConfigError(
      `Cannot use ${PREFIX}UPSTREAM_URL "${settings.upstreamUrl}" together with ${PREFIX}SANDBOX=1: expected one of the two`,
    );
  }
  const { maxBodyBytes } = settings;
  const maxInflightBytes = settings.maxInflightBytes ??
    Math.max(1_073_741_824, maxBodyBytes);
  if (maxInflightBytes < maxBodyBytes) {
    throw new ConfigError(
      `Cannot use ${PREFIX}MAX_INFLIGHT_BYTES "${maxInflightBytes}": expected at least ${PREFIX}MAX_BODY_BYTES "${maxBodyBytes}"`,
    );
  }
  const everybody = settings.allowedOrigins.find((value) =>
    /^(?:https?:\/\/)?\*$/.test(value)
  );
  if (everybody !== undefined && settings.apiKey === undefined) {
    throw new ConfigError(
      `Cannot use ${PREFIX}ALLOWED_ORIGINS "${everybody}" without ${PREFIX}API_KEY: every web page that you visit could draw at your expense, expected origins such as https://example.com, or a key as well`,
    );
  }
  const outputDir = absolute(settings.outputDir);
  const dataDir = absolute(settings.dataDir);
  // What lies in the one is emptied and tidied without asking.
  if (!/^\.\.(?:\/|$)/.test(relative(dataDir, outputDir))) {
    throw new ConfigError(
      `Cannot use ${PREFIX}OUTPUT_DIR "${outputDir}": expected a directory outside of ${PREFIX}DATA_DIR "${dataDir}"`,
    );
  }
  const config: Config = {
    ...settings,
    maxInflightBytes,
    outputDir,
    dataDir,
    logFile: optional(settings.logFile),
    // The limits of the sandbox are for trying, and should not stop the rest.
    pauseOnUsageLimit: settings.pauseOnUsageLimit ?? !settings.sandbox,
    // A name alone is looked for on PATH, as a shell does.
    codexBin: settings.codexBin?.includes("/")
      ? absolute(settings.codexBin)
      : settings.codexBin,
    authHome: absolute(
      settings.authHome ?? (env.CODEX_HOME || join(env.HOME || cwd, ".codex")),
    ),
  };
  return { config, warnings: unknownNames(env) };
}

function readSettings(env: Readonly<Record<string, string>>): Settings {
  const settings = Object.entries<Setting>(SETTINGS).map(([key, setting]) => [
    key,
    readSetting(setting, env[PREFIX + setting.name]),
  ]);
  return Object.fromEntries(settings) as Settings;
}

function readSetting(setting: Setting, set: string | undefined): unknown {
  const { expected, name, schema } = setting;
  const value = set || setting.default;
  if (value === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const shown = name === "API_KEY" ? "(hidden)" : JSON.stringify(value);
  throw new ConfigError(
    `Cannot use ${PREFIX}${name} ${shown}: expected ${expected}`,
  );
}
