// Makes pictures, tells how far they are, and saves each as it lands. Ctrl-C cancels.
//   node generate.mjs "a lighthouse at dusk" 4
import { writeFile } from "node:fs/promises";
import process from "node:process";

const server = process.env.IMAGE_SERVER ?? "http://127.0.0.1:17341";
const key = process.env.CODEX_IMAGE_SERVER_API_KEY ?? "";
const [prompt = "a lighthouse at dusk", count = "4"] = process.argv.slice(2);

const caller = new AbortController();
// The server ends all work of a caller who hangs up.
process.once("SIGINT", () => caller.abort());

try {
  process.exitCode = await main();
} catch (error) {
  // Node tells only in the cause that nobody listens.
  const message = error.cause?.message ?? error.message;
  console.error(caller.signal.aborted ? "canceled" : message);
  process.exitCode = caller.signal.aborted ? 130 : 1;
}

async function main() {
  const response = await ask("/v1/images/generate", {
    method: "POST",
    headers: {
      "accept": "text/event-stream",
      "content-type": "application/json",
    },
    body: JSON.stringify({ prompt, count: Number(count) }),
  });
  for await (const { type, data } of readEvents(response.body)) {
    switch (type) {
      case "progress":
        console.error(`${data.index + 1}: ${data.message ?? data.phase}`);
        break;
      case "image":
        console.log(await save(data));
        break;
      case "error":
        throw new Error(data.message);
      case "completed":
        return data.errors.length === 0 ? 0 : 3;
    }
  }
  throw new Error("The server closed the connection");
}

async function save({ id, mime_type }) {
  const response = await ask(`/v1/images/${id}/file`);
  const path = `${id}.${mime_type.split("/")[1]}`;
  await writeFile(path, new Uint8Array(await response.arrayBuffer()));
  return path;
}

async function ask(path, { headers, ...init } = {}) {
  const response = await fetch(server + path, {
    ...init,
    headers: { ...headers, "x-api-key": key },
    signal: caller.signal,
  });
  if (response.ok) return response;
  throw new Error((await response.json()).error.message);
}

// An event is some lines and an empty one; chunks end anywhere.
async function* readEvents(body) {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const type = /^event: ?(.*)$/m.exec(block)?.[1];
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield { type, data: JSON.parse(data) };
    }
  }
}
