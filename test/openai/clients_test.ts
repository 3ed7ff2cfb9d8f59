import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { createReadStream } from "node:fs";
import { encodeHex } from "@std/encoding/hex";
import { retryGraceMs } from "../../src/jobs/replay.ts";
import { startTestService } from "../support/service.ts";
import { CLIENTS, connect, inspectBase64, paint } from "./clients.ts";

/** How long a job waits for the retry of an official client. */
const GRACE_MS = retryGraceMs(0);

for (const { name, OpenAI } of CLIENTS) {
  Deno.test(`${name} generates with all that it can say`, async () => {
    await using server = await startTestService();
    const answer = await connect(OpenAI, server).images.generate({
      model: "gpt-image-2",
      prompt: "an otter",
      size: "1536x864",
      quality: "low",
      n: 2,
      output_format: "webp",
      output_compression: 80,
      background: "opaque",
      moderation: "low",
      user: "u1",
    });
    assertEquals(answer.data?.length, 2);
    for (const { b64_json, revised_prompt, url } of answer.data ?? []) {
      assertEquals(await inspectBase64(b64_json), "webp 1536x864");
      assert(revised_prompt?.startsWith("an otter\n"));
      assertEquals(url, undefined);
    }
    assertEquals([answer.size, answer.quality], ["1536x864", "low"]);
    assertEquals(answer.output_format, "webp");
    assertEquals(answer.background, "opaque");
    assert(answer.created >= 1_776_729_600);
  });

  Deno.test(`${name} works at a base URL without a version`, async () => {
    await using server = await startTestService();
    const client = connect(OpenAI, { port: server.port, path: "" });
    const answer = await client.images.generate({ prompt: "an otter" });
    const { input_tokens = 0, output_tokens = 0 } = answer.usage ?? {};
    assert(input_tokens > 0 && output_tokens > 0);
    assertEquals(answer.usage, {
      input_tokens,
      output_tokens,
      total_tokens: input_tokens + output_tokens,
      input_tokens_details: { image_tokens: 0, text_tokens: input_tokens },
    });
    assertEquals(
      await inspectBase64(answer.data?.[0].b64_json),
      "png 1536x1024",
    );
    const models = await Array.fromAsync(await client.models.list());
    assertEquals(models[0].id, "gpt-image-2");
    const model = await client.models.retrieve("gpt-image-2");
    assertEquals(model.owned_by, "openai");
  });

  Deno.test(`${name} edits file streams, which reach the image model byte for byte`, async () => {
    await using server = await startTestService();
    const pictures = [await paint(), await paint({ width: 64 })];
    const paths = pictures.map((_, index) =>
      join(server.place.directory, `${index}.png`)
    );
    for (const [index, path] of paths.entries()) {
      await Deno.writeFile(path, pictures[index]);
    }
    const answer = await connect(OpenAI, server).images.edit({
      model: "gpt-image-2",
      image: paths.map((path) => createReadStream(path)),
      prompt: "redder",
      size: "1024x1024",
    });
    assertEquals(
      await inspectBase64(answer.data?.[0].b64_json),
      "png 1024x1024",
    );
    const [sent] = server.place.sandbox.record.to("/v1/images/edits");
    const digests = await Promise.all(pictures.map(digest));
    // The client sends the file first that it has read first.
    assertEquals(sent.references?.toSorted(), digests.sort());
  });

  Deno.test(`${name} streams every image as it lands`, async () => {
    await using server = await startTestService();
    const stream = await connect(OpenAI, server).images.generate({
      prompt: "an otter sandbox:hang@1",
      n: 2,
      stream: true,
      partial_images: 2,
    });
    for await (const event of stream) {
      assertEquals(event.type, "image_generation.completed");
      assertEquals(await inspectBase64(event.b64_json), "png 1536x1024");
      assert("usage" in event);
      assert(event.usage.total_tokens > 0);
      // The first candidate hangs, so that this one has not waited for it.
      break;
    }
    await server.untilIdle(GRACE_MS + 2_000);
  });

  Deno.test(`${name} streams an edit`, async () => {
    await using server = await startTestService();
    const stream = await connect(OpenAI, server).images.edit({
      image: new File([await paint()], "a.png"),
      prompt: "redder",
      stream: true,
    });
    const events = await Array.fromAsync(stream);
    assertEquals(events.map(({ type }) => type), ["image_edit.completed"]);
    assertEquals(await inspectBase64(events[0].b64_json), "png 1536x1024");
  });

  Deno.test(`${name} throws what fails in a stream, after what was finished`, async () => {
    await using server = await startTestService();
    const stream = await connect(OpenAI, server).images.generate({
      prompt: "an otter sandbox:moderation@1",
      n: 2,
      stream: true,
    });
    const types: string[] = [];
    const error = await assertRejects(async () => {
      for await (const { type } of stream) types.push(type);
    }, OpenAI.APIError);
    assertEquals(types, ["image_generation.completed"]);
    assertEquals(error.code, "moderation_blocked");
    assertEquals(error.type, "image_generation_user_error");
  });

  Deno.test(`${name} that aborts leaves no process behind`, async () => {
    await using server = await startTestService();
    const caller = new AbortController();
    const answer = connect(OpenAI, server).images.generate(
      { prompt: "an otter sandbox:hang", n: 4 },
      { signal: caller.signal },
    );
    const rejected = assertRejects(() => answer, OpenAI.APIUserAbortError);
    await server.untilDrawing(4);
    caller.abort();
    await rejected;
    await server.untilIdle(GRACE_MS + 2_000);
  });

  Deno.test(`${name} that aborts a stream leaves no process behind`, async () => {
    await using server = await startTestService();
    const stream = await connect(OpenAI, server).images.generate({
      prompt: "an otter sandbox:hang",
      n: 2,
      stream: true,
    });
    await server.untilDrawing(2);
    stream.controller.abort();
    assertEquals(await Array.fromAsync(stream), []);
    await server.untilIdle(GRACE_MS + 2_000);
  });

  Deno.test(`${name} repeats no refusal`, async () => {
    await using server = await startTestService();
    const { images } = connect(OpenAI, { port: server.port, maxRetries: 2 });
    const refused = [
      ["a fox sandbox:moderation", "moderation_blocked", 400],
      ["a fox sandbox:usage-limit", "usage_limit_reached", 429],
    ] as const;
    for (const [prompt, code, status] of refused) {
      const error = await assertRejects(
        () => images.generate({ prompt }),
        OpenAI.APIError,
      );
      assertEquals([error.code, error.status], [code, status]);
    }
    assertEquals(server.logLines("generate.start").length, refused.length);
  });

  Deno.test(`${name} reads what is wrong and where`, async () => {
    await using server = await startTestService();
    const error = await assertRejects(
      () =>
        connect(OpenAI, server).images.generate({
          prompt: "a cat",
          size: "512x512",
        }),
      OpenAI.BadRequestError,
    );
    assertEquals([error.code, error.param], ["invalid_size", "size"]);
    assert(error.message.includes('"1024x1024"'), error.message);
  });
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}
