import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  type CliSetup,
  codexVersion,
  compareVersions,
  copyDatabases,
  makeDatabases,
  TESTED_VERSION,
} from "../../src/codex/cli.ts";
import { findCodexBinary, OLDEST_VERSION } from "../../src/codex/command.ts";
import { findProcesses } from "../../src/codex/process_tree.ts";
import { ApiError } from "../../src/errors.ts";
import { openCodex } from "../support/codex.ts";

/** How long a CLI that says nothing of use may be waited for, in milliseconds. */
const PATIENCE_MS = 9_000;
const RANGE =
  `${OLDEST_VERSION} is the oldest that works, ${TESTED_VERSION} the one that is tested`;

interface Stub extends AsyncDisposable {
  readonly setup: CliSetup;
}

/** Writes a script that takes the place of the CLI. */
async function writeStub(script: string): Promise<Stub> {
  const home = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const binary = join(home, "codex");
  await Deno.writeTextFile(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = Deno.env.toObject();
  const instance = crypto.randomUUID();
  return {
    setup: { binary, home, instance, upstreamUrl: undefined, env },
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

for (
  const [version, ok] of [
    ["0.159.9", false],
    ["0.160.0-alpha.1", true],
    ["0.160.0", true],
    ["0.999.0", true],
    ["1.0.0", true],
  ] as const
) {
  Deno.test(`codexVersion() takes ${version} for ${ok ? "" : "un"}supported`, async () => {
    await using stub = await writeStub(`echo codex-cli ${version}`);
    const status = await codexVersion(stub.setup);
    assertEquals([status.ok, status.version], [ok, version]);
    assert(status.detail.includes(version) && status.detail.includes(RANGE));
  });
}

for (
  const [what, script] of [
    ["prints nonsense", "echo hello"],
    ["prints without end", "yes nonsense"],
    ["prints nothing", "exit 0"],
    ["hangs", "sleep 300"],
    ["hangs and will not end", "trap '' TERM; while :; do sleep 1; done"],
    ["leaves a child that hangs", "setsid sleep 300 & exit 0"],
  ]
) {
  Deno.test(`codexVersion() comes to an end with a CLI that ${what}`, async () => {
    await using stub = await writeStub(script);
    const begun = performance.now();
    const status = await codexVersion(stub.setup);
    assert(performance.now() - begun < PATIENCE_MS);
    assertEquals([status.ok, status.version], [false, undefined]);
    assertEquals(status.isStartable, true);
    assert(status.detail.includes("does not tell its version"), status.detail);
    const { instance } = stub.setup;
    assertEquals(await findProcesses(`${instance}.*`), []);
  });
}

Deno.test("compareVersions() compares numbers and not letters", () => {
  assert(compareVersions("0.99.0", "0.160.0") < 0);
  assert(compareVersions("0.171.10", "0.171.9") > 0);
  assertEquals(compareVersions("0.171.0-alpha.3", "0.171.0"), 0);
});

Deno.test("Codex.requireSupported() fails as readiness does, until another CLI is there", async () => {
  await using stub = await writeStub("echo codex-cli 0.144.0");
  const { binary } = stub.setup;
  await using opened = await openCodex({ codexBin: binary });
  const { codex } = opened;
  const failure = await assertRejects(() => codex.requireSupported(), ApiError);
  assertEquals(failure.code, "codex_unsupported");
  assertEquals(failure.message, (await codex.checkVersion()).detail);
  await Deno.writeTextFile(binary, "#!/bin/sh\necho codex-cli 0.160.0\n");
  await codex.requireSupported();
});

Deno.test("Codex.open() says once that the CLI is newer than the one that is tested", async () => {
  await using stub = await writeStub("echo codex-cli 0.999.0");
  await using opened = await openCodex({ codexBin: stub.setup.binary });
  await opened.codex.requireSupported();
  const told = opened.events.filter((event) =>
    event === "codex.version.untested"
  );
  assertEquals(told.length, 1);
});

Deno.test("makeDatabases() makes databases that hold nothing, for every worker to copy", async () => {
  await using stub = await writeStub("exit 1");
  const { home } = stub.setup;
  const template = join(home, "template");
  const setup = { ...stub.setup, binary: findCodexBinary() };
  assert(await makeDatabases(setup, template));
  const copy = join(home, "copy");
  await copyDatabases(template, copy);
  const [made, copied] = await Promise.all([template, copy].map(sizesIn));
  assertEquals(copied, made);
  assert(Object.keys(made).includes("state_5.sqlite"));
});

Deno.test("makeDatabases() says where there are none", async () => {
  await using stub = await writeStub("cat > /dev/null; exit 1");
  const template = join(stub.setup.home, "template");
  assertEquals(await makeDatabases(stub.setup, template), false);
});

async function sizesIn(directory: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for await (const { name } of Deno.readDir(directory)) {
    sizes[name] = (await Deno.stat(join(directory, name))).size;
  }
  return sizes;
}
