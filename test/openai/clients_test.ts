import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { createReadStream } from "node:fs";
import { encodeHex } from "@std/encoding/hex";
import { retryGraceMs } from "../../src/jobs/replay.ts";
import { startTestService } from "../support/service.ts";
import { CLIENTS, connect } from "./clients.ts";
import { inspectBase64, paint } from "./pictures.ts";
import { countWork, untilGone } from "./work_count.ts";

/** After how long nothing is left of what an official client has left: it may retry, and processes may take two seconds to end. */
const GONE_MS = retryGraceMs(0) + 2_000;

Deno.test("the official clients are served", async (test) => {
  // What the quota refuses one client must not keep the next one from asking.
  await using server = await startTestService({ PAUSE_ON_USAGE_LIMIT: "0" });

  for (const { name, OpenAI } of CLIENTS) {
    const { images } = connect(OpenAI, server);

    await test.step(`${name} generates with all that it can say`, async () => {
      const answer = await images.generate({
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

    await test.step(`${name} works at a base URL without a version`, async () => {
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

    await test.step(`${name} streams an edit of file streams, which reach the image model byte for byte`, async () => {
      const count = countWork(server);
      const pictures = [await paint(), await paint({ width: 64 })];
      const paths = pictures.map((_, index) =>
        join(server.place.directory, `${index}.png`)
      );
      for (const [index, path] of paths.entries()) {
        await Deno.writeFile(path, pictures[index]);
      }
      const stream = await images.edit({
        model: "gpt-image-2",
        image: paths.map((path) => createReadStream(path)),
        prompt: "redder",
        size: "1024x1024",
        stream: true,
      });
      const events = await Array.fromAsync(stream);
      assertEquals(events.map(({ type }) => type), ["image_edit.completed"]);
      assertEquals(await inspectBase64(events[0].b64_json), "png 1024x1024");
      const [sent] = count.drawings;
      const digests = await Promise.all(pictures.map(digest));
      // The client sends the file first that it has read first.
      assertEquals(sent.references?.toSorted(), digests.sort());
    });

    await test.step(`${name} streams every image as it lands, and leaves no process behind when it aborts`, async () => {
      const stream = await images.generate({
        prompt: "an otter sandbox:hang@1",
        n: 2,
        stream: true,
        partial_images: 2,
      });
      let landed = 0;
      for await (const event of stream) {
        landed++;
        assertEquals(event.type, "image_generation.completed");
        assertEquals(await inspectBase64(event.b64_json), "png 1536x1024");
        assert("usage" in event);
        assert(event.usage.total_tokens > 0);
        // The first candidate hangs, so that this one has not waited for it.
        stream.controller.abort();
      }
      assertEquals(landed, 1);
      await untilGone(server, GONE_MS);
    });

    await test.step(`${name} throws what fails in a stream, after what was finished`, async () => {
      const stream = await images.generate({
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

    await test.step(`${name} that aborts leaves no process behind`, async () => {
      const count = countWork(server);
      const caller = new AbortController();
      const rejected = assertRejects(
        () =>
          images.generate(
            { prompt: "an otter sandbox:hang", n: 2 },
            { signal: caller.signal },
          ),
        OpenAI.APIUserAbortError,
      );
      await count.untilDrawing(2);
      caller.abort();
      await rejected;
      await untilGone(server, GONE_MS);
    });

    await test.step(`${name} reads what is wrong and where`, async () => {
      const error = await assertRejects(
        () => images.generate({ prompt: "a cat", size: "512x512" }),
        OpenAI.BadRequestError,
      );
      assertEquals([error.code, error.param], ["invalid_size", "size"]);
      assert(error.message.includes('"1024x1024"'), error.message);
    });

    await test.step(`${name} repeats no refusal`, async () => {
      const client = connect(OpenAI, { port: server.port, maxRetries: 2 });
      const refused = [
        ["a fox sandbox:moderation", "moderation_blocked", 400],
        ["a fox sandbox:usage-limit", "usage_limit_reached", 429],
      ] as const;
      const count = countWork(server);
      for (const [prompt, code, status] of refused) {
        const error = await assertRejects(
          () => client.images.generate({ prompt }),
          OpenAI.APIError,
        );
        assertEquals([error.code, error.status], [code, status]);
      }
      assertEquals(count.jobs, refused.length);
    });
  }
});

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}
