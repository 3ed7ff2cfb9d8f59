import { assertEquals, assertMatch } from "@std/assert";
import sharp from "sharp";
import { startTestService, type TestService } from "../support/service.ts";

async function references(count: number) {
  return await Promise.all(Array.from({ length: count }, async (_, index) => {
    const png = await sharp({
      create: {
        width: 8,
        height: 8,
        channels: 3,
        background: { r: index * 9, g: 0, b: 0 },
      },
    }).png().toBuffer();
    const image = `data:image/png;base64,${png.toString("base64")}`;
    return { image, label: `layer ${index + 1}` };
  }));
}

function edits({ place }: TestService) {
  return place.sandbox.record.to("/v1/images/edits");
}

Deno.test("POST generate tells for each of seven references how Codex passed it on", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "combine them",
    references: await references(7),
  });
  const answer = await response.json();
  assertEquals(
    answer.references.map(({ delivered }: { delivered: string }) => delivered),
    [
      "original",
      "original",
      "original",
      "original",
      "original",
      "seen",
      "seen",
    ],
  );
  assertEquals(
    edits(server)[0].references,
    answer.references.slice(0, 5).map(({ sha256 }: { sha256: string }) =>
      sha256
    ),
  );
  assertEquals(answer.warnings, []);
});

Deno.test("POST generate asks once more for an original that Codex left out", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "combine them sandbox:forget=2 sandbox:slow=600",
    references: await references(3),
  });
  const answer = await response.json();
  assertEquals(response.status, 200);
  assertEquals(edits(server).at(-1)?.references?.length, 3);
  assertEquals(answer.references[1].delivered, "original");
  assertEquals(server.logLines("codex.exec.start").length, 2);
});

Deno.test("POST generate says which original Codex left out twice, and keeps the picture", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "combine them sandbox:forget-always=2",
    references: await references(3),
  });
  const answer = await response.json();
  assertEquals(response.status, 200);
  assertEquals(answer.references[1].delivered, "seen");
  assertMatch(answer.warnings[0].message, /reference 2 \("layer 2"\)/);
  assertEquals(server.logLines("codex.exec.start").length, 2);
});

Deno.test("POST generate with fail_fast fails where an original is left out twice", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "combine them sandbox:forget-always=1",
    references: await references(2),
    fail_fast: true,
  });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [502, "codex_exec_failed"]);
  assertMatch(error.message, /did not pass reference 1 \("layer 1"\)/);
});
