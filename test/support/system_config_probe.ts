/** Prints what is said of the system's settings, and whether a picture is drawn with them where it is told to `draw`. */
import { openCodex } from "./codex.ts";

await using opened = await openCodex();
const { codex } = opened;
const { detail, ok } = await codex.checkSystemConfig();
const drawn = Deno.args[0] === "draw" && await draw();
console.log(JSON.stringify({ detail, drawn, ok }));

async function draw(): Promise<boolean> {
  const task = opened.task("a fox");
  const worker = codex.start(task, AbortSignal.timeout(20_000));
  try {
    return (await worker.picture).bytes.length > 0;
  } finally {
    await worker.ended;
  }
}
