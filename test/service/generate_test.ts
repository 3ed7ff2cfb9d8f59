import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import sharp from "sharp";
import { NEAR_DUPLICATE_DISTANCE } from "../../src/images/perceptual_hash.ts";
import { startTestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

Deno.test("four candidates", async (test) => {
  await using server = await startTestService();
  const prompt = `-x "quoted" 'words' $HOME \`id\` </image>\n\n漢字 🦊 %00`;
  const response = await server.generate({ prompt, n: 4 });
  const answer = await response.json();
  const { data } = answer;
  assertEquals(response.status, 200);

  await test.step("four candidates are four distinct pictures, each as it is described", async () => {
    assertEquals(data.length, 4);
    const digests = new Set<string>();
    for (const image of data) {
      const file = await fetch(image.url);
      const bytes = await file.bytes();
      digests.add(await sha256(bytes));
      assertEquals(file.headers.get("content-type"), "image/png");
      assertEquals(image.sha256, await sha256(bytes));
      assertEquals(image.bytes, bytes.length);
      assertEquals(await Deno.readFile(image.path), bytes);
      const { format, width, height } = await sharp(bytes).metadata();
      assertEquals(format, "png");
      assertEquals(image.resolved_size, `${width}x${height}`);
    }
    assertEquals(digests.size, 4);
  });

  await test.step("POST generate tells how far apart the two most alike candidates are", () => {
    assert(answer.smallest_distance > NEAR_DUPLICATE_DISTANCE);
    assertEquals(answer.warnings, []);
  });

  await test.step("the ids of four candidates share a UUID and end in -1 to -4", () => {
    const [first] = data;
    assertMatch(first.id, new RegExp(`^codex-${UUID}-1$`));
    const shared = first.id.slice(0, -2);
    assertEquals(
      data.map(({ id }: { id: string }) => id),
      [1, 2, 3, 4].map((number) => `${shared}-${number}`),
    );
  });

  await test.step("every candidate gets the words unchanged and a direction of its own", () => {
    const prompts = server.place.sandbox.record.to("/v1/images/generations")
      .map((request) => request.prompt ?? "");
    assertEquals(prompts.length, 4);
    const directions = prompts.map((text) => {
      assert(text.startsWith(`${prompt}\n\n`), text);
      return text.slice(prompt.length).replace(/Candidate \d of 4/, "");
    });
    assertEquals(new Set(directions).size, 4);
    assertEquals(
      data.map((image: { revised_prompt: string }) => image.revised_prompt)
        .sort(),
      prompts.toSorted(),
    );
  });
});

Deno.test("two candidates", async (test) => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a small fox sandbox:closing=600000",
    count: 2,
    quality: "高",
    return: "file",
    model: "gpt-image-2",
  });
  const answer = await response.json();
  const { id, data, warnings } = answer;
  assertEquals(response.status, 200);

  await test.step("the answer does not wait for the CLI's closing model call", async () => {
    await server.untilIdle();
    const { record } = server.place.sandbox;
    assertEquals(record.to("/v1/images/generations").length, 2);
  });

  await test.step("the answer has all fields of the contract, those of the first image at the top too", () => {
    const [first] = data;
    assertMatch(id, new RegExp(`^gen_${UUID}$`));
    assert(Array.isArray(warnings));
    assertObjectMatch(answer, {
      status: "completed",
      backend: "codex-exec",
      model: "gpt-image-2",
      requested_size: "auto",
      resolved_size: first.resolved_size,
      quality: "high",
      mime_type: "image/png",
      path: first.path,
      url: first.url,
      revised_prompt: first.revised_prompt,
      errors: [],
      references: [],
    });
    // A closing call of the CLI may have begun before its worker was ended.
    assert(answer.usage.input_tokens >= 2400);
    assert(answer.usage.output_tokens >= 120);
    for (const [index, image] of data.entries()) {
      const { duration_ms, sha256, bytes, variation } = image;
      assert(duration_ms > 0 && bytes > 0);
      assertMatch(sha256, /^[0-9a-f]{64}$/);
      assertMatch(variation, /^[a-z]+$/);
      assertStringIncludes(image.revised_prompt, "a small fox");
      assert("resize" in image);
      assertObjectMatch(image, {
        index,
        id: image.id,
        label: "生成图",
        mime_type: "image/png",
        model: "gpt-image-2",
        path: join(server.place.outputDir, `${image.id}.png`),
        url: `${server.url}/v1/images/${image.id}/file`,
        resolved_size: "1536x1024",
        native_size: "1536x1024",
        transparent: false,
      });
    }
  });

  await test.step("an output directory holds the pictures and their sidecars and nothing else", async () => {
    const { outputDir } = server.place;
    assertEquals(
      filesIn(outputDir),
      data.flatMap(({ id }: { id: string }) => [`${id}.json`, `${id}.png`]),
    );
    for (const { id, sha256 } of data) {
      const path = join(outputDir, `${id}.json`);
      const sidecar = JSON.parse(await Deno.readTextFile(path));
      assertEquals([sidecar.id, sidecar.sha256], [id, sha256]);
    }
  });

  await test.step("workers leave nothing of a request in the data directory", async () => {
    const home = join(server.place.dataDir, "codex-home");
    assertEquals(filesIn(join(home, "generated_images")), []);
    assertEquals(await filesBelow(join(home, "sessions")), []);
  });
});

Deno.test("a single image", async (test) => {
  await using server = await startTestService({
    PUBLIC_URL: "http://pictures.example:8080/",
    PUBLIC_DIR: "/mnt/pictures",
  });
  const response = await server.generate({
    prompt: "a fox sandbox:native=321x123",
  });
  const answer = await response.json();
  const { data: [image] } = answer;

  await test.step("a single image has an id without a number", () => {
    assertEquals(answer.data.length, 1);
    assertMatch(image.id, new RegExp(`^codex-${UUID}$`));
  });

  await test.step("native_size and resolved_size are read from the file", () => {
    assertEquals(answer.resolved_size, "321x123");
    assertEquals(image.native_size, "321x123");
  });

  await test.step("POST generate tells no distance of a single image", () => {
    assertEquals(answer.smallest_distance, null);
  });

  await test.step("PUBLIC_URL and PUBLIC_DIR stand in what callers see, and only there", () => {
    const { id } = image;
    assertEquals(
      answer.url,
      `http://pictures.example:8080/v1/images/${id}/file`,
    );
    assertEquals(image.url, answer.url);
    assertEquals(answer.path, `/mnt/pictures/${id}.png`);
    assertEquals(image.path, answer.path);
    assert(filesIn(server.place.outputDir).includes(`${id}.png`));
  });
});

async function filesBelow(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { isDirectory, name } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) files.push(...await filesBelow(path));
    else files.push(path);
  }
  return files;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
