import { resolve } from "@std/path";
import { closestString } from "@std/text/closest-string";
import { parseArgs, type ParseArgsOptionDescriptor } from "node:util";

/** The environment variables that count. */
export const VARIABLES = [
  "CODEX_IMAGE_SERVER_API_KEY",
  "CODEX_IMAGE_SERVER_PORT",
  "CODEX_IMAGE_SERVER_PUBLIC_URL",
  "INIT_CWD",
] as const;

const DEFAULT_PORT = "17341";

const OPTIONS = {
  count: { type: "string", short: "n" },
  size: { type: "string" },
  aspect: { type: "string" },
  quality: { type: "string" },
  format: { type: "string" },
  background: { type: "string" },
  fit: { type: "string" },
  ref: { type: "string", multiple: true },
  out: { type: "string", short: "o" },
  server: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const satisfies Record<string, ParseArgsOptionDescriptor>;

/** What a person asks for. */
export interface Options {
  /** Whether to explain instead of doing anything. */
  readonly help: boolean;
  /** The fields of the request that are text, as they were typed, by the API's names. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  /** The absolute paths of the references. */
  readonly references: readonly string[];
  /** The absolute path of the directory for the images. */
  readonly out: string;
  /** The address of the server. */
  readonly server: string;
  /** The key that the server wants, if any. */
  readonly apiKey: string | undefined;
}

/** The values of {@linkcode VARIABLES}. */
export type Environment = {
  readonly [Name in typeof VARIABLES[number]]?: string;
};

/** A command line that cannot be understood; the message is for the person who typed it. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Reads a command line. What the fields hold is for the server to judge.
 *
 * @param env The environment: where the server is, its key, and where `deno task` was called.
 * @throws {UsageError} An option is unknown or lacks its value, or there is no prompt.
 */
export function parseOptions(
  args: readonly string[],
  env: Environment,
): Options {
  const { positionals, values } = parse(args);
  const prompt = positionals.join(" ");
  if (prompt.trim() === "" && !values.help) {
    throw new UsageError('Cannot draw nothing: expected words, as in "a fox"');
  }
  // `deno task` runs in the directory of deno.json, wherever it is called.
  const here = (path: string) => resolve(env.INIT_CWD ?? Deno.cwd(), path);
  const port = env.CODEX_IMAGE_SERVER_PORT || DEFAULT_PORT;
  const server = values.server ?? (env.CODEX_IMAGE_SERVER_PUBLIC_URL ||
    `http://127.0.0.1:${port}`);
  return {
    help: values.help ?? false,
    fields: {
      prompt,
      count: values.count,
      size: values.size,
      aspect: values.aspect,
      quality: values.quality,
      output_format: values.format,
      background: values.background,
      fit: values.fit,
    },
    references: (values.ref ?? []).map(here),
    out: here(values.out ?? "."),
    server: addressOf(server),
    apiKey: env.CODEX_IMAGE_SERVER_API_KEY || undefined,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(explain(error.message), { cause: error });
  }
}

function explain(message: string): string {
  const [, unknown] = /^Unknown option '([^']+)'/.exec(message) ?? [];
  if (unknown === undefined) {
    return `Cannot understand the options: ${message.split(/[.\n]/, 1)}`;
  }
  const known = Object.keys(OPTIONS).map((name) => `--${name}`);
  const nearest = closestString(unknown, known);
  return `Cannot use "${unknown}": unknown option, did you mean "${nearest}"?`;
}

function addressOf(server: string): string {
  const url = URL.parse(server);
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    return server.replace(/\/+$/, "");
  }
  throw new UsageError(
    `Cannot use the server "${server}": expected an address such as http://127.0.0.1:${DEFAULT_PORT}`,
  );
}
