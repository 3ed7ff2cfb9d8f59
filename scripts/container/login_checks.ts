import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import type { Check } from "./checks.ts";
import { ask, generate } from "./client.ts";
import type { Project } from "./project.ts";

/** One way in which a login can be unfit. */
interface LoginCase {
  readonly name: string;
  readonly kind: string;
  /** Whether pictures can be made until the login must be refreshed. */
  readonly isUsable: boolean;
  /** What the message must say. */
  readonly says: string;
  /** Prepares the login's folder and may give what to override in the service. */
  prepare(folder: string): Promise<string | void>;
}

/** Checks what the server makes of a missing or unfit login; each time it starts all the same. */
export async function checkLogins(
  check: Check,
  project: Project,
): Promise<void> {
  const { url } = project;
  for (const [index, one] of casesOf(project).entries()) {
    await check(`login: ${one.name}`, async () => {
      const name = `login-${index}`;
      const folder = await project.makeFolder(name);
      const override = await one.prepare(folder);
      await project.configure(
        { CODEX_AUTH_HOME: `./${name}` },
        override ?? undefined,
      );
      await project.restart();
      const line = (await project.log()).split("\n")
        .find((line) => line.includes("codex.login.trouble")) ?? "{}";
      const logged = JSON.parse(line);
      assertEquals(logged.kind, one.kind);
      const message = `${logged.found}; ${logged.remedy}`;
      assertStringIncludes(message, one.says);
      const { status, body } = await ask(`${url}/readyz`);
      assertEquals(status, 503);
      const name_ = one.isUsable ? "login_writable" : "login";
      // deno-lint-ignore no-explicit-any
      const found = body.checks.find((check: any) => check.name === name_);
      assertEquals([found.ok, found.detail], [false, message]);
      if (!one.isUsable) await checkRefusal(url, message);
      return message;
    });
  }
}

async function checkRefusal(url: string, message: string): Promise<void> {
  const { status, body } = await generate(url, { prompt: "a fox" });
  assertEquals(status, 503);
  assertEquals(body.error.code, "codex_login_required");
  assertEquals(body.error.message, `Codex is not logged in: ${message}`);
}

function casesOf(project: Project): readonly LoginCase[] {
  const login = async (folder: string) => {
    const file = await writeSandboxLogin(folder);
    await project.giveAway(file);
    return file;
  };
  return [{
    name: "none",
    kind: "no_login",
    isUsable: false,
    says: '"docker compose run --rm server codex login --device-auth"',
    prepare: async () => {},
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
    prepare: async (folder) => {
      await login(folder);
      return overrideVolume(`${folder}:/auth:ro`);
    },
  }, {
    name: "auth.json mounted as a single file",
    kind: "single_file",
    isUsable: true,
    says: "mount its directory",
    prepare: async (folder) => {
      const other = await project.makeFolder("single");
      const file = await login(other);
      return overrideVolume(`${folder}:/auth`, `${file}:/auth/auth.json`);
    },
  }, ...(Deno.uid() === 0 ? foreignCases() : [])];
}

/** Only root can give a file to somebody else. */
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

function overrideVolume(...volumes: readonly string[]): string {
  return `services: { server: { volumes: ${JSON.stringify(volumes)} } }\n`;
}

/** Checks that a server without a place for its pictures refuses to start, and says why. */
export async function checkOutput(
  check: Check,
  project: Project,
): Promise<void> {
  await check("output folder of another user", async () => {
    const folder = await project.makeFolder("closed");
    await Deno.chmod(folder, 0o555);
    if (Deno.uid() === 0) await Deno.chown(folder, 4321, 4322);
    await project.configure({ OUTPUT_DIR: folder });
    await project.compose(["up", "--detach", "--no-build"]);
    await project.until(
      "it has said why",
      async () => (await project.log()).includes("Cannot use"),
    );
    const [line] = (await project.log()).split("\n");
    assertStringIncludes(line, "CODEX_IMAGE_SERVER_OUTPUT_DIR");
    return line;
  });

  await check("output folder that is not there", async () => {
    await project.configure({ OUTPUT_DIR: join(project.directory, "none") });
    const { code, stderr } = await project.compose(
      ["up", "--detach", "--no-build"],
      { mayFail: true },
    );
    assert(code !== 0, "it started");
    const line = stderr.split("\n").at(-1) ?? "";
    assertStringIncludes(line, "none");
    return line;
  });
}
