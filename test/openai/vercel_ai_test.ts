import { assert, assertEquals, assertRejects } from "@std/assert";
import { createOpenAI } from "@ai-sdk/openai";
import { generateImage } from "ai";
import { startTestService, type TestService } from "../support/service.ts";
import { inspectBase64, paint } from "./clients.ts";

Deno.test("the AI SDK generates", async () => {
  await using server = await startTestService();
  const { images, providerMetadata } = await generateImage({
    model: modelOf(server),
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

Deno.test("the AI SDK edits with a mask", async () => {
  await using server = await startTestService();
  const { image } = await generateImage({
    model: modelOf(server),
    prompt: {
      images: [await paint()],
      mask: await paint({ alpha: 0 }),
      text: "redder",
    },
  });
  assertEquals(await inspectBase64(image.base64), "png 1536x1024");
  const [sent] = server.place.sandbox.record.to("/v1/images/edits");
  assertEquals(sent.references?.length, 2);
});

Deno.test("the AI SDK is told what is wrong, and does not repeat it", async () => {
  await using server = await startTestService();
  const options = {
    model: modelOf(server),
    prompt: "an otter sandbox:moderation",
  };
  const error = await assertRejects(() => generateImage(options), Error);
  assert(error.message.includes("safety system"), error.message);
  assertEquals(server.logLines("generate.start").length, 1);
});

function modelOf({ url }: TestService) {
  return createOpenAI({ baseURL: `${url}/v1`, apiKey: "any" })
    .image("gpt-image-2");
}
