import { assert, assertStringIncludes } from "@std/assert";
import sharp from "sharp";
import { convertImage } from "../../src/images/convert.ts";
import { type Making, writeXmp } from "../../src/images/xmp.ts";
import { encode, picture } from "./samples.ts";

const MAKING: Making = {
  prompt: "a fox",
  settings: { size: "2K" },
  model: "gpt-image-2",
  tool: "codex-image-server 1.2.3",
};

Deno.test("writeXmp() escapes what XML may not hold", () => {
  const { isCut, packet } = writeXmp({
    ...MAKING,
    prompt: "a\0<b>&\x1f\r\n狐",
  });
  assert(!isCut);
  assertStringIncludes(packet, ">a\ufffd&lt;b&gt;&amp;\ufffd&#13;\n狐<");
});

for (const [what, prompt] of [["text", "狐狸"], ["markup", "<&>"]]) {
  Deno.test(`writeXmp() cuts a prompt of long ${what} so that a JPEG can hold it`, async () => {
    const { isCut, packet } = writeXmp({
      ...MAKING,
      prompt: prompt.repeat(16_000).slice(0, 32_000),
    });
    assert(isCut && packet.includes("…</rdf:li>"));
    const native = await encode(picture().png());
    const { bytes } = await convertImage(native, {
      size: { width: 48, height: 32 },
      fit: "cover",
      format: "jpeg",
      compression: undefined,
      background: "auto",
      xmp: packet,
    });
    const { xmpAsString } = await sharp(bytes).metadata();
    // Not as texts: what they differ in would be long.
    assert(xmpAsString === packet);
  });
}
