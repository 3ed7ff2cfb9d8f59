import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../src/errors.ts";
import {
  isImageModel,
  listModels,
  showModel,
} from "../../src/openai/models.ts";

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

Deno.test("listModels() lists the model under the names that clients look for", () => {
  assertEquals(listModels().data.map(({ id }) => id), [
    "gpt-image-2",
    "gpt-image-1.5",
    "gpt-image-1",
  ]);
});

Deno.test("showModel() knows every name that generation takes", () => {
  for (const name of DRAWING) assertEquals(showModel(name).id, name);
  assertEquals(showModel("openai%2Fgpt-image-1").id, "openai/gpt-image-1");
  assertEquals(showModel("%ff").id, "%ff");
  const error = assertThrows(() => showModel("gpt-4o"), ApiError);
  assertEquals([error.code, error.param], ["not_found", "model"]);
});
