import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { DallEAPIWrapper } from "@langchain/openai";
import { generateImage } from "ai";
import axios from "axios";
import { encodeHex } from "@std/encoding/hex";
import { startTestService } from "../support/service.ts";
import { inspectBase64, paint } from "./pictures.ts";
import { countWork } from "./work_count.ts";

const KEY = "s3cret-key";

/** What programs send that ask for an old model, and what they read. */
const OLD = [
  ["Dify", { model: "dall-e-2", n: 1, size: "256x256" }, "256x256"],
  [
    "LibreChat's DALL·E tool",
    {
      model: "dall-e-3",
      quality: "standard",
      style: "vivid",
      size: "1792x1024",
      n: 1,
    },
    "1792x1024",
  ],
] as const;

Deno.test("other clients find their images where they look for them", async (test) => {
  await using server = await startTestService({ API_KEY: KEY });
  const baseURL = `${server.url}/v1`;
  const headers = { authorization: `Bearer ${KEY}` };

  await test.step("LangChain's DALL·E tool gives a URL that opens by itself", async () => {
    const tool = new DallEAPIWrapper({
      apiKey: KEY,
      baseUrl: baseURL,
      model: "dall-e-3",
      size: "1024x1024",
    });
    const url: string = await tool.invoke("an otter");
    assertMatch(new URL(url).pathname, /\/file\.png$/);
    assertEquals(await inspectUrl(url), "png 1024x1024");
  });

  const sdkModel = createOpenAI({ baseURL, apiKey: KEY }).image("gpt-image-2");

  await test.step("the AI SDK generates", async () => {
    const { images, providerMetadata } = await generateImage({
      model: sdkModel,
      prompt: "an otter",
      n: 2,
      size: "1536x864",
      providerOptions: { openai: { quality: "low", user: "u1" } },
    });
    assertEquals(images.length, 2);
    for (const { base64 } of images) {
      assertEquals(await inspectBase64(base64), "png 1536x864");
    }
    assert(JSON.stringify(providerMetadata).includes("an otter"));
  });

  await test.step("the AI SDK edits with a mask", async () => {
    const count = countWork(server);
    const { image } = await generateImage({
      model: sdkModel,
      prompt: {
        images: [await paint()],
        mask: await paint({ alpha: 0 }),
        text: "redder",
      },
    });
    assertEquals(await inspectBase64(image.base64), "png 1536x1024");
    assertEquals(count.drawings[0].references?.length, 2);
  });

  await test.step("the AI SDK is told what is wrong, and does not repeat it", async () => {
    const count = countWork(server);
    const prompt = "an otter sandbox:moderation";
    const error = await assertRejects(
      () => generateImage({ model: sdkModel, prompt }),
      Error,
    );
    assert(error.message.includes("safety system"), error.message);
    assertEquals(count.jobs, 1);
  });

  await test.step("the AI SDK's compatible provider generates and edits", async () => {
    const provider = createOpenAICompatible({
      name: "codex",
      baseURL,
      apiKey: KEY,
    });
    const model = provider.imageModel("gpt-image-2");
    const made = await generateImage({
      model,
      prompt: "an otter",
      size: "1536x864",
    });
    assertEquals(await inspectBase64(made.image.base64), "png 1536x864");
    const edited = await generateImage({
      model,
      prompt: { images: [await paint()], text: "redder" },
    });
    assertEquals(await inspectBase64(edited.image.base64), "png 1536x1024");
  });

  await test.step("axios reads each event of a stream as it lands", async () => {
    const { data } = await axios.post(
      `${baseURL}/images/generations`,
      { prompt: "an otter", stream: true },
      { adapter: "fetch", headers, responseType: "stream" },
    );
    const text = await new Response(data).text();
    const [, json] = /^data: ?(.+)$/m.exec(text) ?? [];
    const event = JSON.parse(json);
    assertEquals(event.type, "image_generation.completed");
    assertEquals(await inspectBase64(event.b64_json), "png 1536x1024");
  });

  await test.step("a picture as a data URL in image is edited byte for byte", async () => {
    const count = countWork(server);
    const picture = await paint();
    const image = `data:image/png;base64,${picture.toBase64()}`;
    const body = { model: "gpt-image-1", prompt: "redder", image };
    const { data } = await axios.post(`${baseURL}/images/edits`, body, {
      adapter: "fetch",
      headers,
    });
    assertEquals(await inspectBase64(data.data[0].b64_json), "png 1536x1024");
    const [sent] = count.drawings;
    const digest = await crypto.subtle.digest("SHA-256", picture);
    assertEquals(sent.references, [encodeHex(digest)]);
  });

  for (const [client, body, size] of OLD) {
    await test.step(`${client} gets a URL and the size that it asked for`, async () => {
      const { data } = await axios.post(
        `${baseURL}/images/generations`,
        { prompt: "an otter", ...body },
        { adapter: "fetch", headers },
      );
      assertEquals(await inspectUrl(data.data[0].url), `png ${size}`);
      assertEquals([data.size, "b64_json" in data.data[0]], [size, false]);
      assert(data.warnings.length > 0);
    });
  }
});

/** Opens a URL as somebody without the key, and looks at its picture. */
async function inspectUrl(url: string): Promise<string> {
  const bytes = await (await fetch(url)).bytes();
  return await inspectBase64(bytes.toBase64());
}
