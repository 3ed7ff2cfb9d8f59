import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "sharp";
import { startTestService, type TestService } from "../support/service.ts";

async function make(server: TestService, body: Record<string, unknown>) {
  const response = await server.generate(body);
  const answer = await response.json();
  assertEquals(response.status, 200, JSON.stringify(answer.error));
  const file = await fetch(answer.url);
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { answer, file, bytes, metadata: await sharp(bytes).metadata() };
}

function imagePrompts({ place }: TestService): string[] {
  return place.sandbox.record.to("/v1/images/generations")
    .map(({ prompt }) => prompt ?? "");
}

Deno.test("POST generate delivers Codex's very file where nothing was asked of it", async () => {
  await using server = await startTestService();
  const { answer } = await make(server, { prompt: "a heron" });
  const [drawn] = server.place.sandbox.record.to("/v1/images/generations");
  assertEquals(answer.data[0].sha256, drawn.picture);
  assertEquals(answer.data[0].resize, null);
});

Deno.test("POST generate brings a 4K 16:9 picture to 3840x2160 and keeps Codex's file", async () => {
  await using server = await startTestService();
  const { answer, metadata } = await make(server, {
    prompt: "a heron",
    size: "4K",
    aspect: "16:9",
  });
  assertEquals([metadata.width, metadata.height], [3840, 2160]);
  assertEquals(answer.resolved_size, "3840x2160");
  assertEquals(answer.data[0].native_size, "1672x941");
  assertEquals(answer.data[0].resize, {
    fit: "cover",
    scale: 2.297,
    method: "bicubic",
  });
  assertMatch(answer.warnings[0].message, /2\.3 times/);
  assertStringIncludes(
    imagePrompts(server)[0],
    "Aspect ratio: 16:9, wide landscape (horizontal) canvas.",
  );
  const original = await fetch(`${answer.url}?variant=original`);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    await original.arrayBuffer(),
  );
  assertEquals(
    new Uint8Array(digest).toHex(),
    server.place.sandbox.record.to("/v1/images/generations")[0].picture,
  );
});

Deno.test("POST generate delivers JPEG and WebP with the right type everywhere", async () => {
  await using server = await startTestService();
  for (const format of ["jpeg", "webp"]) {
    const { answer, file, metadata } = await make(server, {
      prompt: "a heron",
      output_format: format,
      output_compression: 70,
    });
    assertEquals(metadata.format, format);
    assertEquals(answer.mime_type, `image/${format}`);
    assertEquals(file.headers.get("content-type"), `image/${format}`);
    assertMatch(answer.path, format === "jpeg" ? /\.jpg$/ : /\.webp$/);
  }
});

Deno.test("POST generate asks for transparency, and measures it", async () => {
  await using server = await startTestService();
  const { answer, metadata } = await make(server, {
    prompt: "a heron",
    background: "transparent",
  });
  const [drawn] = server.place.sandbox.record.to("/v1/images/generations");
  assertEquals(drawn.background, "transparent");
  assertEquals(answer.data[0].transparent, true);
  assertEquals(metadata.hasAlpha, true);
});

Deno.test("POST generate takes the shape of an upright photo with aspect reference", async () => {
  await using server = await startTestService();
  // A phone's upright photo is a landscape picture with a note to turn it.
  const photo = await sharp({
    create: { width: 600, height: 400, channels: 3, background: "teal" },
  }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  const { metadata } = await make(server, {
    prompt: "in winter",
    size: "1K",
    aspect: "参考图比例",
    references: [{
      image: `data:image/jpeg;base64,${photo.toString("base64")}`,
    }],
  });
  assertEquals(metadata.width < metadata.height, true);
});

Deno.test("POST generate says quality to the model in words alone", async () => {
  await using server = await startTestService();
  await make(server, { prompt: "a heron", quality: "高" });
  assertStringIncludes(imagePrompts(server)[0], "Quality: high.");
});
