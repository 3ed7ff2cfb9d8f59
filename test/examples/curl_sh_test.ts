import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { startTestService } from "../support/service.ts";
import { example, lacks, runExample } from "./programs.ts";
import { assertDistinct, digestOf } from "./saved.ts";

const ignore = await lacks("bash") || await lacks("curl");
const command = ["bash", example("curl.sh")];

Deno.test({
  name: "curl.sh makes, downloads, refers to and follows pictures",
  ignore,
  fn: async () => {
    await using server = await startTestService();
    const { directory, sandbox } = server.place;
    const { code, stdout, stderr } = await runExample(
      server,
      [...command, server.url, directory],
    );
    assertEquals(code, 0, stderr);
    const [one, bytes, four, reference, events] = sections(stdout);
    const saved = join(directory, "lighthouse.png");
    assertEquals(bytes, [saved]);
    const download = await Deno.readFile(saved);
    assertEquals(one.length, 1);
    assertEquals(await Deno.readFile(one[0]), download);
    assertEquals(four.length, 4);
    assertEquals(reference.length, 1);
    // How long it was drawn is too short to be told each time.
    const phases = events.slice(0, -1).filter((word) => word !== "drawing");
    assertEquals(phases.slice(-2), ["started", "saved"], stdout);
    const urls = [...four, ...reference, ...events.slice(-1)];
    const fetched = await Promise.all(
      urls.map(async (url) => await (await fetch(url)).bytes()),
    );
    await assertDistinct([download, ...fetched], 7);
    const [edit] = sandbox.record.to("/v1/images/edits");
    assertEquals(edit.references, [await digestOf(download)]);
  },
});

Deno.test({
  name: "curl.sh stops at the first refusal, and sends the key",
  ignore,
  fn: async () => {
    await using server = await startTestService({ API_KEY: "secret" });
    const args = [...command, server.url, server.place.directory];
    const without = await runExample(server, args);
    assertEquals(without.code, 1);
    assertEquals(without.stdout, "One picture:\n");
    assertMatch(without.stderr, /"code":"unauthorized"/);
    const key = { CODEX_IMAGE_SERVER_API_KEY: "secret" };
    const { code, stderr } = await runExample(server, args, key);
    assertEquals(code, 0, stderr);
  },
});

/** The lines below each of the headings. */
function sections(text: string): string[][] {
  const [, ...parts] = text.trimEnd().split(/^.*:$\n/m);
  return parts.map((part) => part.trimEnd().split("\n"));
}
