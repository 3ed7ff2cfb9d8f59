import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../src/errors.ts";
import { isImageModel, showModel } from "../../src/openai/models.ts";

const DRAWING = [
  "gpt-image-2",
  "gpt-image-1-mini",
  "chatgpt-image-latest",
  "openai/gpt-image-1",
  "dall-e-3",
  "gemini-2.5-flash-image",
  "flux.1-dev",
  "stable-diffusion-xl",
  "default",
];

const OTHERS = [
  "gpt-4o",
  "gpt-5",
  "openai/gpt-4.1",
  "chatgpt-4o-latest",
  "o3",
  "text-embedding-3-small",
  "tts-1",
  "whisper-1",
  "omni-moderation-latest",
  "sora-2",
  "codex-mini-latest",
];

for (const name of DRAWING) {
  Deno.test(`isImageModel() takes ${name}`, () => {
    assertEquals(isImageModel(name), true);
  });
}

for (const name of OTHERS) {
  Deno.test(`isImageModel() refuses ${name}`, () => {
    assertEquals(isImageModel(name), false);
  });
}

Deno.test("showModel() knows the one model only", () => {
  assertEquals(showModel("gpt-image-2").id, "gpt-image-2");
  const error = assertThrows(() => showModel("gpt-4o"), ApiError);
  assertEquals([error.code, error.param], ["not_found", "model"]);
});
