import { fromFileUrl } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";

/** What a {@linkcode BareServer} answers with. */
export interface BareAnswers {
  /** The JSON of `/healthz`. */
  readonly health: string;
  /** The file of `/file`. */
  readonly path: string;
}

/** A `Deno.serve` with nothing around it, in a process of its own as the server is. */
export interface BareServer extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
}

/** Starts a {@linkcode BareServer} on a free port. */
export async function startBareServer(
  { health, path }: BareAnswers,
): Promise<BareServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", fromFileUrl(import.meta.url), health, path],
    // Ctrl-C is for us, who end it.
    detached: true,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const { value: url } = await lines.read();
  if (url === undefined) throw new Error("Cannot start a bare Deno.serve");
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await lines.cancel();
      await child.status;
    },
  };
}

function run([health, path]: readonly string[]): void {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
  }, async ({ url }) => {
    if (url.endsWith("/healthz")) return Response.json(JSON.parse(health));
    const file = await Deno.open(path);
    const { size } = await file.stat();
    const headers = { "content-length": `${size}` };
    return new Response(file.readable, { headers });
  });
}

if (import.meta.main) run(Deno.args);
