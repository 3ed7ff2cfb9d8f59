import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import sharp from "sharp";
import { startTestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

Deno.test("four candidates are four distinct pictures, each as it is described", async () => {
  await using server = await startTestService();
  const response = await server.generate({ prompt: "a small fox", count: 4 });
  const { data } = await response.json();
  assertEquals(response.status, 200);
  assertEquals(data.length, 4);
  const digests = new Set<string>();
  for (const image of data) {
    const file = await fetch(image.url);
    const bytes = new Uint8Array(await file.arrayBuffer());
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

Deno.test("the ids of four candidates share a UUID and end in -1 to -4", async () => {
  await using server = await startTestService();
  const { data } = await (await server.generate({ prompt: "a fox", n: 4 }))
    .json();
  const [first] = data;
  assertMatch(first.id, new RegExp(`^codex-${UUID}-1$`));
  const shared = first.id.slice(0, -2);
  assertEquals(
    data.map(({ id }: { id: string }) => id),
    [1, 2, 3, 4].map((number) => `${shared}-${number}`),
  );
});

Deno.test("the answer has all fields of the contract, those of the first image at the top too", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a small fox",
    count: 2,
    quality: "高",
    return: "file",
    model: "gpt-image-2",
  });
  const answer = await response.json();
  const { id, data, warnings } = answer;
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

Deno.test("a single image has an id without a number", async () => {
  await using server = await startTestService();
  const { data } = await (await server.generate({ prompt: "a fox" })).json();
  assertEquals(data.length, 1);
  assertMatch(data[0].id, new RegExp(`^codex-${UUID}$`));
});

Deno.test("native_size and resolved_size are read from the file", async () => {
  await using server = await startTestService();
  const answer = await (await server.generate({
    prompt: "a fox sandbox:native=321x123",
  })).json();
  assertEquals(answer.resolved_size, "321x123");
  assertEquals(answer.data[0].native_size, "321x123");
});

Deno.test("every candidate gets the words unchanged and a direction of its own", async () => {
  await using server = await startTestService();
  const prompt = `-x "quoted" 'words' $HOME \`id\` </image>\n\n漢字 🦊 %00`;
  const response = await server.generate({ prompt, count: 4 });
  const { data } = await response.json();
  assertEquals(response.status, 200);
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

Deno.test("no process list shows the words", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const answer = server.generate({ prompt: "zebrafinch sandbox:hang" }, {
    signal: caller.signal,
  }).catch(({ name }) => name);
  await server.untilDrawing(1);
  const processes = await server.processes();
  caller.abort();
  assertEquals(await answer, "AbortError");
  assert(processes.length > 0);
  for (const { command } of processes) {
    assertEquals(command.includes("zebrafinch"), false);
  }
  await server.untilIdle();
});

Deno.test("shape and quality travel as words to the image model", async () => {
  await using server = await startTestService();
  await (await server.generate({
    prompt: "a fox",
    aspect: "9:16",
    quality: "low",
  })).body?.cancel();
  const [{ prompt }] = server.place.sandbox.record.to("/v1/images/generations");
  assertMatch(prompt ?? "", /^Aspect ratio: 9:16, tall portrait/m);
  assertMatch(prompt ?? "", /^Quality: low\.$/m);
});

Deno.test("the answer does not wait for the CLI's closing model call", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a fox sandbox:closing=600000",
    count: 2,
  });
  await response.body?.cancel();
  assertEquals(response.status, 200);
  await server.untilIdle();
  const { record } = server.place.sandbox;
  assertEquals(record.to("/v1/images/generations").length, 2);
});

Deno.test("PUBLIC_URL and PUBLIC_DIR stand in what callers see, and only there", async () => {
  await using server = await startTestService({
    PUBLIC_URL: "http://pictures.example:8080/",
    PUBLIC_DIR: "/mnt/pictures",
  });
  const answer = await (await server.generate({ prompt: "a fox" })).json();
  const { id } = answer.data[0];
  assertEquals(
    answer.url,
    `http://pictures.example:8080/v1/images/${id}/file`,
  );
  assertEquals(answer.data[0].url, answer.url);
  assertEquals(answer.path, `/mnt/pictures/${id}.png`);
  assertEquals(answer.data[0].path, answer.path);
  assert(filesIn(server.place.outputDir).includes(`${id}.png`));
});

Deno.test("an output directory holds the picture and its sidecar and nothing else", async () => {
  await using server = await startTestService();
  const { data } = await (await server.generate({ prompt: "a fox" })).json();
  const [{ id, sha256 }] = data;
  await server.untilIdle();
  assertEquals(filesIn(server.place.outputDir), [`${id}.json`, `${id}.png`]);
  const sidecar = JSON.parse(
    await Deno.readTextFile(join(server.place.outputDir, `${id}.json`)),
  );
  assertEquals([sidecar.id, sidecar.sha256], [id, sha256]);
});

Deno.test("workers leave nothing of a request in the data directory", async () => {
  await using server = await startTestService();
  await (await server.generate({ prompt: "a fox", count: 2 })).body?.cancel();
  await server.untilIdle();
  const home = join(server.place.dataDir, "codex-home");
  assertEquals(filesIn(join(home, "generated_images")), []);
  assertEquals(await filesBelow(join(home, "sessions")), []);
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
