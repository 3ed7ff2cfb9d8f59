import { assert, assertEquals } from "@std/assert";
import {
  codexArguments,
  type CommandOptions,
} from "../../src/codex/command.ts";

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
