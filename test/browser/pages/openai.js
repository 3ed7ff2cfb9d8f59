// OpenAI's client in a page.

import OpenAI from "openai7";
import { draw, show } from "./using.js";

Object.assign(globalThis, {
  editPicture,
  generatePicture,
  generateWrongly,
  streamPictures,
});

async function generatePicture(base) {
  const answer = await connect(base).images.generate({
    model: "gpt-image-2",
    prompt: "an otter",
    size: "1024x1024",
  });
  return await show(address(answer.data[0].b64_json));
}

async function editPicture(base) {
  const drawing = new File([await draw()], "drawing.png", {
    type: "image/png",
  });
  const answer = await connect(base).images.edit({
    model: "gpt-image-2",
    image: drawing,
    prompt: "redder",
  });
  return await show(address(answer.data[0].b64_json));
}

async function streamPictures(base) {
  const stream = await connect(base).images.generate({
    prompt: "an otter",
    n: 2,
    stream: true,
  });
  const shown = [];
  for await (const { b64_json, type } of stream) {
    shown.push(`${type} ${await show(address(b64_json))}`);
  }
  return shown;
}

async function generateWrongly(base) {
  try {
    await connect(base).images.generate({ prompt: "a cat", size: "512x512" });
  } catch (error) {
    const { code, message, name, param, requestID } = error;
    return {
      code,
      isBadRequest: error instanceof OpenAI.BadRequestError,
      message,
      name,
      param,
      requestID,
    };
  }
}

function connect(base) {
  return new OpenAI({
    baseURL: `${base}/v1`,
    apiKey: "any",
    dangerouslyAllowBrowser: true,
    maxRetries: 0,
  });
}

function address(base64) {
  return `data:image/png;base64,${base64}`;
}
