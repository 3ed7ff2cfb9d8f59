import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import openapiTypescript, { astToString } from "openapi-typescript";
import { openApiDocument } from "../../src/api/openapi.ts";
import { ROUTES } from "../../src/routes/index.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** What a program that uses the types may say, and what it may not. */
const PROGRAM = `
import type { components, paths } from "./api.ts";
import type { GenerateAnswer, JobView } from "ROOT/src/api/schemas.ts";

type Schemas = components["schemas"];
type Answer =
  paths["/v1/images/generate"]["post"]["responses"][200]["content"]["application/json"];

export const small: Schemas["GenerateRequest"] = { prompt: "an otter" };
export const large: Schemas["GenerateRequest"] = {
  prompt: "an otter",
  count: 4,
  size: "4K",
  aspect: "16:9",
  canvas_size: { width: 3, height: 2 },
  quality: "high",
  output_format: "webp",
  output_compression: 80,
  background: "transparent",
  fit: "contain",
  references: [{ image: "data:image/png;base64,AAAA", label: null }],
  fail_fast: true,
};
export const edit: Schemas["EditsRequest"] = {
  prompt: "redder",
  images: [{ image_url: "data:image/png;base64,AAAA" }],
  stream: true,
};
export const urls = ({ data }: Answer): string[] => data.map(({ url }) => url);
export const base64 = ({ data }: Schemas["OpenAiAnswer"]) => data[0].b64_json;

/** What the server answers is what the types say. */
export const answer = (own: DeepMutable<GenerateAnswer>): Answer => own;
export const job = (own: DeepMutable<JobView>): Schemas["Job"] => own;

type DeepMutable<T> = T extends object
  ? { -readonly [Key in keyof T]: DeepMutable<T[Key]> }
  : T;
`;

const MISTAKES = [
  `export const a: Schemas["GenerateRequest"] = { promt: "an otter" };`,
  `export const b: Schemas["GenerateRequest"] = { prompt: "p", quality: "best" };`,
  `export const c: Schemas["EditsRequest"] = { images: [] };`,
  `export const d = (answer: Answer) => answer.pictures;`,
];

Deno.test("the types that are made of the document fit what is sent and answered", async () => {
  const { code, stderr } = await checkProgram(PROGRAM);
  assertEquals([code, stderr], [0, stderr]);
});

Deno.test("the types that are made of the document tell mistakes", async () => {
  const { code, stderr } = await checkProgram(PROGRAM + MISTAKES.join("\n"));
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Found ${MISTAKES.length} errors`);
});

async function checkProgram(
  program: string,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const document = JSON.stringify(openApiDocument(ROUTES));
  const types = astToString(await openapiTypescript(document));
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(directory, "api.ts"), types);
    const path = join(directory, "program.ts");
    await Deno.writeTextFile(path, program.replaceAll("ROOT", ROOT));
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", `--config=${join(ROOT, "deno.json")}`, path],
      env: { NO_COLOR: "1" },
      stdout: "null",
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
