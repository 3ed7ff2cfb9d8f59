// Makes two pictures with OpenAI's own client, then another out of the first.
//   npm i openai && node openai.mjs "a lighthouse at dusk"
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import process from "node:process";
import OpenAI from "openai";

const server = process.env.IMAGE_SERVER ?? "http://127.0.0.1:17341";
const [prompt = "a lighthouse at dusk"] = process.argv.slice(2);

const client = new OpenAI({
  baseURL: `${server}/v1`,
  // The client insists on a key; without one set at the server it may be anything.
  apiKey: process.env.CODEX_IMAGE_SERVER_API_KEY ?? "any",
});

const generated = await client.images.generate({
  model: "gpt-image-2",
  prompt,
  n: 2,
  size: "1536x1024",
});
await save("generated", generated.data);

const edited = await client.images.edit({
  model: "gpt-image-2",
  image: createReadStream("generated-1.png"),
  prompt: "the same in winter",
  size: "1024x1024",
});
await save("edited", edited.data);

async function save(name, images) {
  for (const [index, { b64_json }] of images.entries()) {
    const path = `${name}-${index + 1}.png`;
    await writeFile(path, b64_json, "base64");
    console.log(path);
  }
}
