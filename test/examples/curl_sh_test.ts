import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { startTestService } from "../support/service.ts";
import { example, lacks, runExample } from "./programs.ts";
import { assertDistinct, digestOf } from "./saved.ts";

const ignore = await lacks("bash") || await lacks("curl");
const command = ["bash", example("curl.sh")];

Deno.test("curl.sh", { ignore }, async (test) => {
  await using server = await startTestService({ API_KEY: "secret" });
  const { directory, sandbox } = server.place;
  const args = [...command, server.url, directory];

  await test.step("stops at the first refusal", async () => {
    const { code, stdout, stderr } = await runExample(server, args);
    assertEquals([code, stdout], [1, "One picture:\n"]);
    assertMatch(stderr, /"code":"unauthorized"/);
  });

  await test.step("makes, downloads, refers to and follows pictures, with the key", async () => {
    const key = { CODEX_IMAGE_SERVER_API_KEY: "secret" };
    const { code, stdout, stderr } = await runExample(server, args, key);
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
  });
});

/** The lines below each of the headings. */
function sections(text: string): string[][] {
  const [, ...parts] = text.trimEnd().split(/^.*:$\n/m);
  return parts.map((part) => part.trimEnd().split("\n"));
}
