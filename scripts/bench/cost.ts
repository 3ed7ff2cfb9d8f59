import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import type { Backend } from "./backend.ts";
import { watchPictures } from "./picture_times.ts";
import type { Way } from "./way.ts";

/** How long bytes on their way may take to arrive, in milliseconds. */
const ARRIVAL_MS = 100;

/** What one run of one way cost. */
export interface Cost {
  /** Bytes of the first call to the model, and as they travelled. */
  readonly firstCall: { readonly bytes: number; readonly wire: number };
  /** Calls to the model for each image. */
  readonly calls: number;
  /** Bytes to the model for each image. */
  readonly bytes: number;
  /** Requests for each image that neither ask the model nor draw. */
  readonly others: number;
  /** Milliseconds until the first call to the model had arrived. */
  readonly msToModel: number;
  /** Milliseconds of processor time of this process's own children, those that look for what is left among them. */
  readonly childCpuMs: number;
  /** Milliseconds until whoever asked had all images. */
  readonly ms: number;
  /** The part of them after the backend had drawn the last picture. */
  readonly msAfterDrawn: number;
  /** The part of them after the last picture was whole on disk. */
  readonly msAfterWhole: number;
}

/** How something is measured. */
export interface MeasureOptions {
  readonly backend: Backend;
  readonly prompt: string;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** Runs a way once and tells what it cost. */
export async function measureCost(
  way: Way,
  { backend, prompt, signal }: MeasureOptions,
): Promise<Cost> {
  using pictures = await watchPictures(way.pictures);
  await backend.take();
  const cpu = await childCpuMs();
  const start = Date.now();
  await abortable(way.start(prompt).done, signal);
  const end = Date.now();
  await way.settle(signal);
  await delay(ARRIVAL_MS);
  const requests = await backend.take();
  const calls = requests.filter(({ method, path }) =>
    method === "POST" && path === "/v1/responses"
  );
  const drawn = requests.filter(({ path }) => path.startsWith("/v1/images/"));
  const others = requests.length - calls.length - drawn.length;
  return {
    firstCall: { bytes: calls[0].bytes, wire: calls[0].wireBytes },
    calls: calls.length / way.images,
    bytes: calls.reduce((sum, { bytes }) => sum + bytes, 0) / way.images,
    others: others / way.images,
    msToModel: calls[0].at - start,
    childCpuMs: await childCpuMs() - cpu,
    ms: end - start,
    msAfterDrawn: end -
      Math.max(...drawn.map(({ answeredAt = 0 }) => answeredAt)),
    msAfterWhole: end - pictures.last(),
  };
}

// The system counts a child's time when it has ended, in hundredths of a second; only Linux tells it in a file.
async function childCpuMs(): Promise<number> {
  if (Deno.build.os !== "linux") return NaN;
  const stat = await Deno.readTextFile("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
