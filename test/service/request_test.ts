import { assert, assertEquals } from "@std/assert";
import sharp from "sharp";
import { startTestService, type TestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

type Bytes = Uint8Array<ArrayBuffer>;
// The answer is JSON whose form these tests check.
// deno-lint-ignore no-explicit-any
type Answer = any;

const PNG = new Uint8Array(
  await sharp({
    create: { width: 30, height: 20, channels: 3, background: "#4080c0" },
  }).png().toBuffer(),
);

Deno.test("what was asked for", async (test) => {
  await using server = await startTestService();
  const bodies = {
    png: {},
    jpeg: { output_compression: 70 },
    webp: {
      size: "1k",
      aspect: "landscape",
      canvas_size: { width: 160, height: 90 },
      quality: "高",
      output_compression: 80,
      background: "opaque",
      fit: "contain",
      references: [{ image: dataUrl(PNG), label: "layer" }],
    },
  };
  const made: Record<string, Answer> = {};
  for (const [format, body] of Object.entries(bodies)) {
    made[format] = await generate(server, {
      prompt: "a <red> fox & 狐",
      output_format: format,
      embed_metadata: true,
      ...body,
    });
  }
  const step = stepsOn(server, test);

  for (const [format, answer] of Object.entries(made)) {
    const { data: [image] } = answer;
    await step(`a ${format} has the right type everywhere`, async () => {
      const response = await fetch(answer.url);
      const { format: written } = await sharp(await response.bytes())
        .metadata();
      assertEquals(written, format);
      assertEquals(answer.mime_type, `image/${format}`);
      assertEquals(response.headers.get("content-type"), `image/${format}`);
      assertEquals(
        answer.path.split(".").at(-1),
        format === "jpeg" ? "jpg" : format,
      );
    });

    await step(
      `a ${format} tells how it was made where it is asked to`,
      async () => {
        const [file, original] = await Promise.all(
          ["", "?variant=original"].map((query) =>
            fetchFile(server, image.id, query)
          ),
        );
        assertEquals([await sha256(file), file.length], [
          image.sha256,
          image.bytes,
        ]);
        const { xmpAsString = "" } = await sharp(file).metadata();
        const { prompt, settings } = readXmp(xmpAsString);
        assertEquals(prompt, "a &lt;red&gt; fox &amp; 狐");
        assertEquals(JSON.parse(settings), image.request);
        const { format: drawn, xmp } = await sharp(original).metadata();
        assertEquals([drawn, xmp], ["png", undefined]);
      },
    );
  }

  await step(
    "what was asked for is told of images and jobs, without the prompt",
    async () => {
      await assertTold(server, made.webp, {});
    },
  );

  await step(
    "a stored picture is a reference as Codex made it, among others, also in a form",
    async () => {
      const [{ id }] = made.jpeg.data;
      const original = await fetchFile(server, id, "?variant=original");
      const form = new FormData();
      form.set("prompt", "the same fox in winter");
      form.set("references", JSON.stringify([{ id, label: "fox" }]));
      form.set("reference", new File([PNG], "layer.png"));
      const response = await fetch(`${server.url}/v1/images/generate`, {
        method: "POST",
        body: form,
      });
      const answer = await response.json();
      assertEquals(response.status, 200);
      const digests = await Promise.all([original, PNG].map(sha256));
      const [edit] = server.place.sandbox.record.to("/v1/images/edits");
      assertEquals(edit.references, digests);
      const { width, height } = await sharp(original).metadata();
      assertEquals(answer.references[0], {
        label: "fox",
        id,
        sha256: digests[0],
        bytes: original.length,
        width,
        height,
        delivered: "original",
      });
      assertEquals(answer.data[0].request.references, [
        { label: "fox", sha256: digests[0], id },
        { label: "layer.png", sha256: digests[1] },
      ]);
    },
  );

  await step(
    "a removed picture is no reference, and nothing is drawn",
    async () => {
      const [{ id }] = made.png.data;
      const removed = await fetch(`${server.url}/v1/images/${id}`, {
        method: "DELETE",
      });
      await removed.body?.cancel();
      const response = await server.generate({
        prompt: "a fox",
        references: [{ image: dataUrl(PNG) }, { id }],
      });
      const { error } = await response.json();
      assertEquals([response.status, error.code, error.param], [
        400,
        "invalid_reference",
        "references[1].id",
      ]);
      assert(error.message.includes(id), error.message);
      assertEquals(server.place.sandbox.record.to("/v1/images/edits"), []);
    },
  );
});

Deno.test("what was asked for is told of images and jobs, with the prompt", async () => {
  await using server = await startTestService({ STORE_PROMPTS: "1" });
  const answer = await generate(server, {
    prompt: "a fox",
    size: "1k",
    aspect: "landscape",
    canvas_size: { width: 160, height: 90 },
    quality: "高",
    output_format: "webp",
    output_compression: 80,
    background: "opaque",
    fit: "contain",
    references: [{ image: dataUrl(PNG), label: "layer" }],
  });
  await assertTold(server, answer, { prompt: "a fox" });
});

/** Sees that what was asked for is told everywhere. */
async function assertTold(
  server: TestService,
  { id, data: [made] }: Answer,
  prompt: { readonly prompt?: string },
): Promise<void> {
  const request = {
    count: 1,
    size: "1k",
    aspect: "16:9",
    canvas_size: { width: 160, height: 90 },
    output_size: null,
    fit: "contain",
    quality: "high",
    output_format: "webp",
    output_compression: 80,
    background: "opaque",
    references: [{ label: "layer", sha256: await sha256(PNG) }],
    ...prompt,
  };
  assertEquals(made.request, request);
  const [image, list, job] = await Promise.all(
    [`/v1/images/${made.id}`, "/v1/images", `/v1/jobs/${id}`]
      .map(async (path) => (await fetch(server.url + path)).json()),
  );
  assertEquals(image.request, request);
  const listed = list.data.find(({ id }: Answer) => id === made.id);
  assertEquals(listed.request, request);
  assertEquals(job.request, {
    ...request,
    requested_size: "1k",
    reference_count: 1,
  });
}

function readXmp(xmp: string): { prompt: string; settings: string } {
  const [, prompt] = /<rdf:li xml:lang="x-default">(.*)<\/rdf:li>/.exec(xmp) ??
    [];
  const [, settings] = /<cis:request>(.*)<\/cis:request>/.exec(xmp) ?? [];
  return { prompt, settings };
}

async function generate(server: TestService, body: unknown): Promise<Answer> {
  const response = await server.generate(body);
  assertEquals(response.status, 200);
  return await response.json();
}

async function fetchFile(
  server: TestService,
  id: string,
  query = "",
): Promise<Bytes> {
  const response = await fetch(`${server.url}/v1/images/${id}/file${query}`);
  assertEquals(response.status, 200);
  return await response.bytes();
}

function dataUrl(bytes: Bytes): string {
  return `data:image/png;base64,${bytes.toBase64()}`;
}

async function sha256(bytes: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
