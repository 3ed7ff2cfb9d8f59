/**
 * Measures the server beside a plain `codex exec`, both on one sandbox backend: `deno task bench [RUNS]`.
 *
 * It prints one table of medians. Nothing leaves the machine, and nothing is left on it.
 */
import { startBackend } from "./bench/backend.ts";
import { measureOverhead } from "./bench/overhead.ts";
import { report } from "./bench/report.ts";
import { addSample, newSamples, PROMPT, warmUp } from "./bench/samples.ts";
import { measureThroughput } from "./bench/throughput.ts";
import { openWays } from "./bench/ways.ts";

const USUAL_RUNS = "3";
/** How many times what takes milliseconds is measured for each run. */
const FINE_RUNS = 5;
/** How long one run may take, in milliseconds; a usual one takes 60 s. */
const RUN_MS = 300_000;

async function main(runs: number, signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  parts.defer(() => Deno.remove(directory, { recursive: true }));
  const backend = parts.use(await startBackend());
  const ways = parts.use(await openWays(directory, backend.url));
  const { direct, four, one, server, stock } = ways;
  const columns = [stock, one, direct, four].map((way) =>
    [way, newSamples()] as const
  );
  const options = { backend, signal, prompt: PROMPT };
  for (const [way] of columns) await warmUp(way, options);
  for (let run = 1; run <= runs; run++) {
    console.error(`run ${run} of ${runs}`);
    for (const [way, samples] of columns) {
      await addSample(samples, way, options);
    }
  }
  const overhead = await measureOverhead(ways, runs * FINE_RUNS, options);
  const { data } = await (await fetch(`${server.url}/v1/images?limit=1`))
    .json();
  console.log(report({
    samples: columns.map(([, samples]) => samples),
    overhead,
    health: await measureThroughput(`${server.url}/healthz`, 16),
    download: await measureThroughput(data[0].url),
  }));
}

function signalOf(runs: number): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => interrupted.abort(new Error(name)));
  }
  const late = AbortSignal.timeout((runs + 1) * RUN_MS);
  return AbortSignal.any([interrupted.signal, late]);
}

const runs = Number(Deno.args[0] ?? USUAL_RUNS);
if (Number.isInteger(runs) && runs >= 1 && runs <= 100) {
  await main(runs, signalOf(runs));
} else {
  console.error(`Cannot run "${Deno.args[0]}" times: expected 1 to 100`);
  Deno.exitCode = 2;
}
