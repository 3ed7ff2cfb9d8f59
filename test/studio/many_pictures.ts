import { join } from "@std/path";
import sharp from "sharp";
import { startTestService } from "../support/service.ts";

/** Fills a directory of pictures with copies of one small one, in runs of four, a hundred seconds apart. */
export async function fillLibrary(
  outputDir: string,
  many: number,
): Promise<void> {
  await using server = await startTestService({
    SANDBOX: "1",
    OUTPUT_DIR: outputDir,
  });
  const { data: [made] } = await (await server.generate({ prompt: "a wren" }))
    .json();
  const sidecar = JSON.parse(
    await Deno.readTextFile(join(outputDir, `${made.id}.json`)),
  );
  const small = await sharp(made.path).resize(64).png().toBuffer();
  for (let i = 1; i < many; i++) {
    const id = idOf(i);
    Deno.writeFileSync(join(outputDir, `${id}.png`), small);
    Deno.writeTextFileSync(
      join(outputDir, `${id}.json`),
      JSON.stringify({
        ...sidecar,
        id,
        file: `${id}.png`,
        bytes: small.length,
        generation_id: `gen_${id.slice(6, 42)}`,
        created_at: new Date(Date.UTC(2026, 0, 1) - i * 100_000).toISOString(),
      }),
    );
  }
}

/** Names one of these pictures, by its number from 1. */
export function idOf(i: number): string {
  const run = `${i >> 2}`.padStart(12, "0");
  return `codex-00000000-0000-4000-8000-${run}-${i % 4 + 1}`;
}
