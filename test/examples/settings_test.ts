import { assert, assertEquals, assertMatch } from "@std/assert";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { startTestService, type TestService } from "../support/service.ts";
import { example } from "./programs.ts";
import { assertDistinct } from "./saved.ts";

const PROMPT = "a cat";

type Settings = Readonly<Record<string, string>>;

Deno.test("the settings of other programs", async (test) => {
  await using server = await startAllowed();

  await test.step("open-webui.env leads to a picture and to another made of it", async () => {
    const settings = await readSettings("open-webui.env");
    assertEquals(settings.IMAGE_GENERATION_ENGINE, "openai");
    assertEquals(settings.IMAGE_EDIT_ENGINE, "openai");
    const generated = await send(server, {
      url: `${settings.IMAGES_OPENAI_API_BASE_URL}/images/generations`,
      key: settings.IMAGES_OPENAI_API_KEY,
      body: {
        model: settings.IMAGE_GENERATION_MODEL,
        prompt: PROMPT,
        n: 1,
        size: settings.IMAGE_SIZE,
      },
    });
    const form = new FormData();
    form.set("model", settings.IMAGE_EDIT_MODEL);
    form.set("prompt", PROMPT);
    form.set("image", new Blob([generated], { type: "image/png" }), "1.png");
    const edited = await send(server, {
      url: `${settings.IMAGES_EDIT_OPENAI_API_BASE_URL}/images/edits`,
      key: settings.IMAGES_EDIT_OPENAI_API_KEY,
      body: form,
    });
    await assertDistinct([generated, edited], 2);
  });

  await test.step("librechat.env leads to a picture", async () => {
    const settings = await readSettings("librechat.env");
    const picture = await send(server, {
      url: `${settings.IMAGE_GEN_OAI_BASEURL}/images/generations`,
      key: settings.IMAGE_GEN_OAI_API_KEY,
      body: { model: settings.IMAGE_GEN_OAI_MODEL, prompt: PROMPT, n: 1 },
    });
    await assertDistinct([picture], 1);
  });
});

/** A server that knows the name which README of the examples tells it. */
async function startAllowed(): Promise<TestService> {
  const readme = await Deno.readTextFile(example("README.md"));
  const [, hosts] = /CODEX_IMAGE_SERVER_ALLOWED_HOSTS=(\S+)/.exec(readme) ?? [];
  return await startTestService({ ALLOWED_HOSTS: hosts });
}

async function readSettings(name: string): Promise<Settings> {
  const lines = (await Deno.readTextFile(example(name))).trimEnd().split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) assertMatch(line, /^[A-Z_]+=\S+$/);
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/)));
}

/** Sends to the server what a container would send to its name, and gives the bytes of the first picture. */
async function send(
  server: TestService,
  options: {
    readonly url: string;
    readonly key: string;
    readonly body: FormData | object;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const { host, pathname } = new URL(options.url);
  const { body, headers } = options.body instanceof FormData
    ? new Response(options.body)
    : Response.json(options.body);
  const bytes = await new Response(body).bytes();
  // fetch lets nobody choose the Host.
  const call = request({
    host: "127.0.0.1",
    port: server.port,
    method: "POST",
    path: pathname,
    headers: {
      ...Object.fromEntries(headers),
      authorization: `Bearer ${options.key}`,
      "content-length": bytes.length,
      connection: "close",
      host,
    },
  });
  const answer = new Promise<string>((resolve, reject) => {
    call.on("error", reject);
    call.on("response", (response) => text(response).then(resolve, reject));
  });
  call.end(bytes);
  const { data, error } = JSON.parse(await answer);
  assertEquals(error, undefined);
  assert(data[0].url === undefined);
  return Uint8Array.fromBase64(data[0].b64_json);
}
