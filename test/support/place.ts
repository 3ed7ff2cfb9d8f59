import { join } from "@std/path";
import { PREFIX } from "../../src/settings.ts";
import {
  type SandboxBackend,
  startSandbox,
} from "../../src/sandbox/backend.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { cliVariables } from "./variables.ts";

/** Settings by their names without `CODEX_IMAGE_SERVER_`. */
export type TestSettings = Readonly<Record<string, string>>;

/** Directories and a backend that outlive a server, so that another can follow it. */
export interface Place extends AsyncDisposable {
  /** Where everything below lies. */
  readonly directory: string;
  /** Where servers keep pictures. */
  readonly outputDir: string;
  /** Where servers keep their own files. */
  readonly dataDir: string;
  /** The directory with the login. */
  readonly authHome: string;
  /** The backend of the CLI; unused where the setting `SANDBOX` is 1. */
  readonly sandbox: SandboxBackend;
  /** The whole environment of a server here, on a free port, with some settings of its own. */
  environment(settings: TestSettings): Record<string, string>;
}

/**
 * Makes a {@linkcode Place} with a sandbox login.
 *
 * @param variables What servers find in their environment beside their settings.
 */
export async function openPlace(
  variables: Readonly<Record<string, string>> = {},
): Promise<Place> {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const outputDir = join(directory, "output");
  const dataDir = join(directory, "data");
  const authHome = join(directory, "login");
  await writeSandboxLogin(authHome);
  const sandbox = startSandbox();
  const usual = {
    PORT: "0",
    OUTPUT_DIR: outputDir,
    DATA_DIR: dataDir,
    CODEX_AUTH_HOME: authHome,
    UPSTREAM_URL: sandbox.url,
  };
  return {
    directory,
    outputDir,
    dataDir,
    authHome,
    sandbox,
    environment: (settings) => ({
      ...foreignVariables(),
      ...variables,
      ...withPrefix(usual),
      // The two exclude each other, and an empty variable counts as not set.
      ...withPrefix(settings.SANDBOX === "1" ? { UPSTREAM_URL: "" } : {}),
      ...withPrefix(settings),
    }),
    [Symbol.asyncDispose]: async () => {
      await sandbox[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function foreignVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(cliVariables())
      .filter(([name]) => !name.startsWith(PREFIX)),
  );
}

function withPrefix(settings: TestSettings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [PREFIX + name, value]),
  );
}
