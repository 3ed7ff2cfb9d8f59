import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { startTestService } from "../support/service.ts";
import { example, runExample } from "./programs.ts";
import { assertDistinctPngs, digestOf } from "./saved.ts";

Deno.test("openai.mjs saves what it generates, and edits the first file", async () => {
  await using server = await startTestService();
  // What "npm i openai" does for a user.
  const map = join(server.place.directory, "imports.json");
  const imports = { openai: manifest.imports.openai7 };
  await Deno.writeTextFile(map, JSON.stringify({ imports }));
  const { code, stdout, stderr } = await runExample(server, [
    ...[Deno.execPath(), "run", "--allow-all", "--import-map", map],
    ...[example("openai.mjs"), "an otter"],
  ]);
  assertEquals(code, 0, stderr);
  const names = ["generated-1.png", "generated-2.png", "edited-1.png"];
  assertEquals(stdout, `${names.join("\n")}\n`);
  await assertDistinctPngs(server, names, 3);
  const [edit] = server.place.sandbox.record.to("/v1/images/edits");
  const first = join(server.place.directory, names[0]);
  assertEquals(edit.references, [await digestOf(await Deno.readFile(first))]);
});
