import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import {
  findLoginProblem,
  type LoginProblem,
} from "../../src/codex/login_problem.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { runAsAnyUser } from "../support/any_user.ts";

const PROBE = "test/support/login_probe.ts";

async function findTroubleAsAnyUser(path: string): Promise<LoginProblem> {
  return await runAsAnyUser(PROBE, path) as LoginProblem;
}

async function makeHome(): Promise<
  AsyncDisposable & { readonly path: string }
> {
  const path = await Deno.makeTempDir({ prefix: "the user's login " });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await Deno.chmod(path, 0o700);
      await Deno.remove(path, { recursive: true });
    },
  };
}

Deno.test("findLoginProblem() finds none in a good login", async () => {
  await using home = await makeHome();
  await writeSandboxLogin(home.path);
  assertEquals(await findLoginProblem(home.path), undefined);
});

Deno.test("findLoginProblem() tells of a directory that is not there", async () => {
  await using home = await makeHome();
  const path = join(home.path, "none");
  const trouble = await findLoginProblem(path);
  assertEquals(trouble?.kind, "no_directory");
  assertEquals(trouble?.isUsable, false);
  assertEquals(trouble?.found, `there is no directory "${path}"`);
});

Deno.test("findLoginProblem() tells of a missing login and what to type", async () => {
  await using home = await makeHome();
  const trouble = await findLoginProblem(home.path);
  assertEquals(trouble?.kind, "no_login");
  assertEquals(trouble?.found, `there is no "auth.json" in "${home.path}"`);
  assertMatch(trouble?.remedy ?? "", /"codex login --device-auth"/);
});

Deno.test("findLoginProblem() tells of a link that leads nowhere", async () => {
  await using home = await makeHome();
  const file = join(home.path, "auth.json");
  await Deno.symlink("/nowhere/auth.json", file);
  const trouble = await findLoginProblem(home.path);
  assertEquals(trouble?.kind, "no_login");
  assertEquals(trouble?.found, `"${file}" is a link that leads nowhere`);
});

for (const store of ["keyring", "auto"]) {
  Deno.test(`findLoginProblem() tells of a login in the keyring: ${store}`, async () => {
    await using home = await makeHome();
    const config = join(home.path, "config.toml");
    await Deno.writeTextFile(
      config,
      `model = "m"\ncli_auth_credentials_store = "${store}"\n`,
    );
    const trouble = await findLoginProblem(home.path);
    assertEquals(trouble?.kind, "keyring");
    assertMatch(trouble?.found ?? "", /keyring of the system/);
    assertMatch(trouble?.remedy ?? "", /cli_auth_credentials_store='file'/);
  });
}

for (
  const line of [
    'cli_auth_credentials_store = "file"',
    '# cli_auth_credentials_store = "keyring"',
    'mcp_oauth_credentials_store = "keyring"',
  ]
) {
  Deno.test(`findLoginProblem() blames no keyring for: ${line}`, async () => {
    await using home = await makeHome();
    await Deno.writeTextFile(join(home.path, "config.toml"), `${line}\n`);
    assertEquals((await findLoginProblem(home.path))?.kind, "no_login");
  });
}

Deno.test("findLoginProblem() blames no keyring where there is a login", async () => {
  await using home = await makeHome();
  await writeSandboxLogin(home.path);
  await Deno.writeTextFile(
    join(home.path, "config.toml"),
    'cli_auth_credentials_store = "auto"\n',
  );
  assertEquals(await findLoginProblem(home.path), undefined);
});

Deno.test("findLoginProblem() tells of a directory that cannot be written", async () => {
  await using home = await makeHome();
  await writeSandboxLogin(home.path);
  await Deno.chmod(home.path, 0o500);
  const trouble = await findTroubleAsAnyUser(home.path);
  assertEquals(trouble.kind, "read_only");
  assertEquals(trouble.isUsable, true);
});

Deno.test("findLoginProblem() tells of a login that cannot be read", async () => {
  await using home = await makeHome();
  const file = await writeSandboxLogin(home.path);
  await Deno.chmod(file, 0o000);
  const trouble = await findTroubleAsAnyUser(home.path);
  assertEquals(trouble.kind, "unreadable");
  assertEquals(trouble.isUsable, false);
  assertEquals(trouble.found, `"${file}" cannot be read`);
});

for (const kind of ["pipe", "directory"] as const) {
  Deno.test(`findLoginProblem() neither opens nor takes a ${kind} for a login`, async () => {
    await using home = await makeHome();
    const file = join(home.path, "auth.json");
    if (kind === "directory") await Deno.mkdir(file);
    else await new Deno.Command("mkfifo", { args: [file] }).output();
    const trouble = await findLoginProblem(home.path);
    assertEquals(trouble?.kind, "no_login");
    assertEquals(trouble?.found, `"${file}" is no file`);
  });
}

Deno.test("findLoginProblem() takes a path below a file for none", async () => {
  await using home = await makeHome();
  const path = join(await writeSandboxLogin(home.path), "codex");
  assertEquals((await findLoginProblem(path))?.kind, "no_directory");
});
