import { assertEquals } from "@std/assert";
import { capabilities } from "../../src/api/capabilities.ts";
import { parseGenerateRequest } from "../../src/api/generate_request.ts";

const CONFIG = {
  apiKey: undefined,
  maxBodyBytes: 100_663_296,
  maxQueue: 32,
  maxRequestPixels: 400_000_000,
  maxWorkers: 4,
  timeoutMs: 600_000,
};

/** Section 3 of the contract, the control of quality, the limits of exact pixels and those that are settings. */
const CONTRACT = JSON.parse(`
{ "auth_required": false, "backend": "codex-exec", "model": "gpt-image-2", "quality_control": "prompt",
  "generation_timeout_ms": 600000, "max_images": 4, "max_body_bytes": 100663296,
  "output_formats": ["png", "jpeg", "webp"], "qualities": ["auto", "high", "medium", "low"],
  "ratio_options": ["参考图比例","画布比例","1:1","16:9","9:16","3:2","2:3","4:3","3:4","4:5","5:4","21:9"],
  "size_options": ["auto","1K","2K","4K","1024x1024","1536x1024","1024x1536","2048x2048","2048x1152","1152x2048","3840x2160","2160x3840","2880x2880"],
  "size_constraints": { "custom_size": true, "max_edge": 3840, "max_pixels": 8294400, "min_pixels": 655360, "multiple_of": 16, "max_ratio": "3:1" },
  "output_size_constraints": { "min_edge": 64, "max_edge": 8192, "max_pixels": 33177600 },
  "high_resolution_presets": { "landscape": "3840x2160", "portrait": "2160x3840", "square": "2880x2880" },
  "references": { "mode": "original_image", "max_images": 16, "max_originals": 5, "max_bytes": 52428800, "max_pixels": 100000000, "max_total_pixels": 400000000, "formats": ["image/png","image/jpeg","image/webp"] } }
`);

Deno.test("capabilities() answers what the contract says", () => {
  const answer = capabilities(CONFIG);
  assertEquals(JSON.parse(JSON.stringify(answer)), CONTRACT);
});

Deno.test("capabilities() tells of the key, the time limit and how many images there is room for", () => {
  const settings = { apiKey: "k", timeoutMs: 5000, maxQueue: 1, maxWorkers: 1 };
  const answer = capabilities({ ...CONFIG, ...settings });
  assertEquals(answer.auth_required, true);
  assertEquals(answer.max_images, 2);
  assertEquals(answer.generation_timeout_ms, 5000);
});

Deno.test("capabilities() offers nothing that a request may not say", () => {
  const offers = capabilities(CONFIG);
  const prompt = "an otter";
  for (const size of offers.size_options) {
    parseGenerateRequest({ prompt, size });
  }
  for (const aspect of offers.ratio_options) {
    parseGenerateRequest({ prompt, aspect });
  }
  for (const quality of offers.qualities) {
    parseGenerateRequest({ prompt, quality });
  }
  for (const output_format of offers.output_formats) {
    parseGenerateRequest({ prompt, output_format });
  }
  parseGenerateRequest({ prompt, count: offers.max_images });
});
