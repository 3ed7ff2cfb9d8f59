import { assert, assertEquals } from "@std/assert";
import { TESTED_VERSION } from "../../src/codex/cli.ts";
import {
  codexArguments,
  type CommandOptions,
  type EnvironmentOptions,
  findCodexBinary,
  workerEnvironment,
} from "../../src/codex/command.ts";
import { WORKER_TAG_VARIABLE } from "../../src/codex/process_tree.ts";

Deno.test("findCodexBinary() takes the configured path without a look", () => {
  assertEquals(findCodexBinary("/no/such/codex"), "/no/such/codex");
});

Deno.test("findCodexBinary() finds the native program of the pinned package", async () => {
  const path = findCodexBinary();
  const { isFile, mode, size } = await Deno.stat(path);
  assertEquals([isFile, (mode ?? 0) & 0o111], [true, 0o111]);
  // The launcher, a script, has some kilobytes.
  assertEquals(size > 100_000_000, true);
  const { stdout } = await new Deno.Command(path, { args: ["--version"] })
    .output();
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    `codex-cli ${TESTED_VERSION}`,
  );
});

const ENVIRONMENT: EnvironmentOptions = {
  home: "/data/codex-home",
  workerTag: "instance.gen_1.1-1",
  upstreamUrl: undefined,
};

Deno.test("workerEnvironment() passes on what the allow-list names and nothing else", () => {
  const passed = {
    PATH: "/bin",
    LANG: "de_DE.UTF-8",
    SSL_CERT_FILE: "/certs.pem",
    HTTPS_PROXY: "http://proxy:3128",
    https_proxy: "http://proxy:3128",
  };
  const held = {
    OPENAI_API_KEY: "sk-1",
    CODEX_API_KEY: "sk-2",
    CODEX_IMAGE_SERVER_API_KEY: "sk-3",
    OPENAI_BASE_URL: "http://elsewhere",
    CODEX_HOME: "/home/user/.codex",
    HOME: "/home/user",
    TZ: "Europe/Berlin",
    RUST_LOG: "trace",
    LD_PRELOAD: "/evil.so",
    [WORKER_TAG_VARIABLE]: "another",
  };
  assertEquals(workerEnvironment({ ...passed, ...held }, ENVIRONMENT), {
    ...passed,
    HOME: "/data/codex-home",
    CODEX_HOME: "/data/codex-home",
    TZ: "UTC",
    [WORKER_TAG_VARIABLE]: ENVIRONMENT.workerTag,
    NO_PROXY: "localhost,127.0.0.1,::1",
    no_proxy: "localhost,127.0.0.1,::1",
  });
});

for (
  const [own, list] of [
    [{ NO_PROXY: "corp.example" }, "corp.example,localhost,127.0.0.1,::1"],
    [{ no_proxy: "corp.example" }, "corp.example,localhost,127.0.0.1,::1"],
    [{ NO_PROXY: "", no_proxy: "b" }, "b,localhost,127.0.0.1,::1"],
    [{ NO_PROXY: "a", no_proxy: "b" }, "a,localhost,127.0.0.1,::1"],
  ] as const
) {
  Deno.test(`workerEnvironment() adds this machine to ${JSON.stringify(own)}`, () => {
    const env = workerEnvironment(own, ENVIRONMENT);
    assertEquals([env.NO_PROXY, env.no_proxy], [list, list]);
  });
}

Deno.test("workerEnvironment() sends token refreshes to the service that stands in", () => {
  const env = workerEnvironment({}, {
    ...ENVIRONMENT,
    upstreamUrl: "http://127.0.0.1:4",
  });
  assertEquals(
    env.CODEX_REFRESH_TOKEN_URL_OVERRIDE,
    "http://127.0.0.1:4/oauth/token",
  );
});

const OPTIONS: CommandOptions = {
  minimalInstructions: true,
  instructionsFile: "/data/instructions.md",
  directory: "/data/work/1",
  model: undefined,
  upstreamUrl: undefined,
  images: [],
  readGuard: "none",
};

function settingsOf(args: readonly string[]): Map<string, unknown> {
  return new Map(
    args.filter((_, index) => args[index - 1] === "-c").map((setting) => {
      const at = setting.indexOf("=");
      return [setting.slice(0, at), JSON.parse(setting.slice(at + 1))];
    }),
  );
}

Deno.test("codexArguments() puts every image last, each with an option of its own", () => {
  const args = codexArguments({
    ...OPTIONS,
    model: "gpt-5.5",
    upstreamUrl: "http://127.0.0.1:1",
    images: ["/r/2.png", "/r/1.png"],
  });
  assertEquals(args.slice(-4), ["-i", "/r/2.png", "-i", "/r/1.png"]);
  assertEquals(args.indexOf("-i"), args.length - 4);
});

Deno.test("codexArguments() begins with a run that prints JSON", () => {
  assertEquals(codexArguments(OPTIONS).slice(0, 2), ["exec", "--json"]);
});

Deno.test("codexArguments() names the instructions and what is off only when lean", () => {
  const lean = codexArguments(OPTIONS);
  const stock = codexArguments({ ...OPTIONS, minimalInstructions: false });
  assertEquals(
    settingsOf(lean).get("model_instructions_file"),
    OPTIONS.instructionsFile,
  );
  assertEquals(settingsOf(lean).get("features.apps"), false);
  assert(!settingsOf(stock).has("model_instructions_file"));
  assert(!settingsOf(stock).has("features.apps"));
});

Deno.test("codexArguments() keeps the databases with the worker and the history nowhere", () => {
  for (const minimalInstructions of [true, false]) {
    const settings = settingsOf(
      codexArguments({ ...OPTIONS, minimalInstructions }),
    );
    assertEquals(settings.get("sqlite_home"), "/data/work/1/databases");
    assertEquals(settings.get("history.persistence"), "none");
    assertEquals(settings.get("analytics.enabled"), false);
  }
});

Deno.test("codexArguments() names the service only where there is another", () => {
  const settings = settingsOf(
    codexArguments({ ...OPTIONS, upstreamUrl: "http://127.0.0.1:4" }),
  );
  assertEquals(settings.get("openai_base_url"), "http://127.0.0.1:4/v1");
  assertEquals(
    settings.get("chatgpt_base_url"),
    "http://127.0.0.1:4/backend-api",
  );
  assert(!codexArguments(OPTIONS).join(" ").includes("base_url"));
});

Deno.test("codexArguments() names a model only where one is chosen", () => {
  const args = codexArguments({ ...OPTIONS, model: "gpt-5.5" });
  assertEquals(args[args.indexOf("--model") + 1], "gpt-5.5");
  assert(!codexArguments(OPTIONS).includes("--model"));
});

Deno.test("codexArguments() quotes paths so that a setting cannot be left", () => {
  const path = '/d "q" \\ \n é 🦊/x';
  const args = codexArguments({ ...OPTIONS, directory: path });
  assertEquals(settingsOf(args).get("sqlite_home"), `${path}/databases`);
  const setting = args.find((arg) => arg.startsWith("sqlite_home="));
  assertEquals(setting, 'sqlite_home="/d \\"q\\" \\\\ \\n é 🦊/x/databases"');
});
