/**
 * Measures the server beside a plain `codex exec`, both on one sandbox backend: `deno task bench [RUNS]`.
 *
 * It prints one table of medians. Nothing leaves the machine, and nothing is left on it.
 */
import { VERSION } from "../src/version.ts";
import { startBackend } from "./bench/backend.ts";
import { startBareServer } from "./bench/bare_server.ts";
import { measureOverhead } from "./bench/overhead.ts";
import { type Compared, report } from "./bench/report.ts";
import { addSample, newSamples, PROMPT, warmUp } from "./bench/samples.ts";
import { measureThroughput } from "./bench/throughput.ts";
import { openWays } from "./bench/ways.ts";

const USUAL_RUNS = "3";
const MAX_RUNS = 100;
const EXIT = { usage: 2, canceled: 130 } as const;
/** How many times what takes milliseconds is measured for each run. */
const FINE_RUNS = 5;
/** How long one run may take, in milliseconds; a usual one takes 60 s. */
const RUN_MS = 300_000;

async function measure(runs: number, signal: AbortSignal): Promise<void> {
  console.error(machine());
  await using parts = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "codex-image-bench-" });
  parts.defer(() => Deno.remove(directory, { recursive: true }));
  const backend = parts.use(await startBackend());
  const ways = parts.use(await openWays(directory, backend.url));
  const { direct, four, one, server, stock } = ways;
  const columns = [stock, one, direct, four].map((way) =>
    [way, newSamples()] as const
  );
  const options = { backend, signal, prompt: PROMPT };
  for (const [way] of columns) await warmUp(way, options);
  for (const way of [ways.bare, ways.fresh]) await warmUp(way, options);
  for (let run = 1; run <= runs; run++) {
    console.error(`run ${run} of ${runs}, load ${load()}`);
    for (const [way, samples] of columns) {
      await addSample(samples, way, options);
    }
  }
  const overhead = await measureOverhead(ways, runs * FINE_RUNS, options);
  const { data } = await (await fetch(`${server.url}/v1/images?limit=1`))
    .json();
  const health = await (await fetch(`${server.url}/healthz`)).text();
  const bare = parts.use(await startBareServer({ health, path: data[0].path }));
  console.log(report({
    samples: columns.map(([, samples]) => samples),
    overhead,
    health: await compare([`${server.url}/healthz`, `${bare.url}/healthz`], 16),
    download: await compare([data[0].url, `${bare.url}/file`], 4),
  }));
}

async function compare(
  [server, bare]: readonly [string, string],
  connections: number,
): Promise<Compared> {
  return {
    bare: await measureThroughput(bare, connections),
    server: await measureThroughput(server, connections),
  };
}

// What others do on the machine at the same time is in every number.
function machine(): string {
  const { deno } = Deno.version;
  const cores = navigator.hardwareConcurrency;
  return `codex-image-server ${VERSION}, Deno ${deno}, ${cores} cores`;
}

function load(): string {
  return Deno.loadavg()[0].toFixed(1);
}

async function main(): Promise<number> {
  const runs = Number(Deno.args[0] ?? USUAL_RUNS);
  if (!Number.isInteger(runs) || runs < 1 || runs > MAX_RUNS) {
    console.error(
      `Cannot run "${Deno.args[0]}" times: expected 1 to ${MAX_RUNS}`,
    );
    return EXIT.usage;
  }
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => interrupted.abort());
  }
  const late = AbortSignal.timeout((runs + 1) * RUN_MS);
  try {
    await measure(runs, AbortSignal.any([interrupted.signal, late]));
    return 0;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error("Canceled");
    return EXIT.canceled;
  }
}

Deno.exitCode = await main();
