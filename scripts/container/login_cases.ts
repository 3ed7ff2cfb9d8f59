import { join } from "@std/path";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import type { Project } from "./project.ts";

/** One way in which a login can be unfit. */
export interface LoginCase {
  readonly name: string;
  readonly kind: string;
  /** Whether pictures can be made until the login must be refreshed. */
  readonly isUsable: boolean;
  /** What the message must say. */
  readonly says: string;
  /** Puts into the login's folder what it takes. */
  prepare(folder: string): Promise<void>;
  /** What to mount; the folder at `/auth` when left out. */
  readonly mount?: (folder: string) => readonly string[];
}

/** The ways in which a login can be unfit; those with another user only where root runs the checks. */
export function loginCases(project: Project): readonly LoginCase[] {
  const login = async (folder: string) => {
    await project.giveAway(await writeSandboxLogin(folder));
  };
  return [{
    name: "none",
    kind: "no_login",
    isUsable: false,
    says: '"docker compose run --rm server codex login --device-auth"',
    prepare: () => Promise.resolve(),
  }, {
    name: "in the keyring",
    kind: "keyring",
    isUsable: false,
    says: "cli_auth_credentials_store='file'",
    prepare: async (folder) => {
      await Deno.writeTextFile(
        join(folder, "config.toml"),
        'cli_auth_credentials_store = "keyring"\n',
      );
    },
  }, {
    name: "mounted read-only",
    kind: "read_only",
    isUsable: true,
    says: 'mount it without "ro"',
    prepare: login,
    mount: (folder) => [`${folder}:/auth:ro`],
  }, {
    name: "auth.json mounted as a single file",
    kind: "single_file",
    isUsable: true,
    says: "mount its directory",
    prepare: (folder) => login(join(folder, "kept")),
    mount: (folder) => [
      `${folder}:/auth`,
      `${folder}/kept/auth.json:/auth/auth.json`,
    ],
  }, ...(Deno.uid() === 0 ? foreignCases() : [])];
}

function foreignCases(): readonly LoginCase[] {
  return [{
    name: "a directory of another user",
    kind: "foreign",
    isUsable: true,
    says: "it belongs to 4321:4322, the server runs as 1234:1235",
    prepare: async (folder) => {
      const file = await writeSandboxLogin(folder);
      await Deno.chown(folder, 4321, 4322);
      await Deno.chmod(folder, 0o755);
      await Deno.chmod(file, 0o644);
    },
  }, {
    name: "a file of another user",
    kind: "unreadable",
    isUsable: false,
    says: "APP_UID=4321 and APP_GID=4322",
    prepare: async (folder) => {
      await Deno.chown(await writeSandboxLogin(folder), 4321, 4322);
    },
  }, {
    name: "a closed directory of root",
    kind: "unreadable",
    isUsable: false,
    says: 'it belongs to 0:0, the server runs as 1234:1235: type "sudo chown',
    prepare: async (folder) => {
      await writeSandboxLogin(folder);
      await Deno.chown(folder, 0, 0);
      await Deno.chmod(folder, 0o700);
    },
  }, {
    name: "a directory that Docker made, because there was none",
    kind: "foreign",
    isUsable: false,
    says: "none can be written there; it belongs to 0:0",
    prepare: (folder) => Deno.remove(folder),
  }];
}
