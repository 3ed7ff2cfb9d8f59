/**
 * Lets many callers come, ask and leave at random moments, and prints what the server takes before, meanwhile and after:
 * `deno task soak [MINUTES] [VISITS]`, ten minutes and twenty thousand visits at most. It needs no account.
 */
import { spawnServer } from "../test/support/server_process.ts";
import {
  peakMegabytes,
  type Reading,
  takeReading,
  watchMemory,
} from "./soak/reading.ts";
import { uploadAtOnce } from "./soak/uploads.ts";
import { type Ending, visit } from "./soak/visitor.ts";

const CALLERS = 12;
/** How many visits there are before the first reading, so that everything is loaded. */
const WARM_UP = 150;
/** How long the end of all work may take, in milliseconds. */
const IDLE_MS = 20_000;
const MINUTE_MS = 60_000;
/** How much more memory than in the second part there may be in the last one, for what differs from time to time. */
const MEMORY_RATIO = 1.02;
/** The most memory that the server may take, also while 36 callers send 98 MB each, in megabytes. */
const MAX_PEAK = 1_500;
/** Into how many parts the visits are divided, with a reading after each. */
const PARTS = 5;
/** How many more files may be open in the end: connections that clients keep. */
const SPARE_FILES = 2 * CALLERS;

const [minutes = 10, visits = 20_000] = Deno.args.map(Number);
const endings: Record<Ending, number> = { answered: 0, left: 0, refused: 0 };

await using server = await spawnServer({
  MAX_WORKERS: "3",
  MAX_QUEUE: "6",
  // So that there are as many jobs and pictures in the second part as in the last.
  JOB_TTL_MS: "20000",
  RETENTION_MAX_COUNT: "50",
});
await soak(WARM_UP, 5 * MINUTE_MS);
// First what takes most: the heap grows with the largest load so far, whenever that comes, and is not made smaller.
console.log("36 callers of 98 MB:", await uploadAtOnce(server));
await server.untilIdle(IDLE_MS);
const before = await takeReading(server);
const readings: Record<string, Reading> = { before };
const memory: number[] = [];
for (const ending of Object.keys(endings)) endings[ending as Ending] = 0;
const started = performance.now();
// What grows by the same in every part is not flat, however small it is.
for (let part = 1; part <= PARTS; part++) {
  const median = watchMemory(server);
  await soak(visits / PARTS, minutes * MINUTE_MS / PARTS);
  memory.push(median());
  await server.untilIdle(IDLE_MS);
  const done = Object.values(endings).reduce((sum, count) => sum + count);
  readings[`after ${done} visits`] = await takeReading(server);
}
const after = Object.values(readings)[PARTS];
const [, second, , , last] = memory;
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`${seconds} seconds:`, endings);
console.table(readings);
console.log(
  `memory, the median of each fifth: ${memory.join(", ")} MB; the last may be ${
    (second * MEMORY_RATIO).toFixed(1)
  } MB, 2 % more than the second`,
);
const peak = await peakMegabytes(server);
console.log(`peak: ${peak} MB of at most ${MAX_PEAK}`);
const internal = server.logLines().filter(({ level }) => level === "error");
for (const line of internal.slice(0, 5)) console.log(line);
const isFlat = after.processes + after.tempFiles === 0 &&
  after.openFiles <= before.openFiles + SPARE_FILES &&
  last <= MEMORY_RATIO * second && peak <= MAX_PEAK &&
  internal.length === 0;
console.log(
  isFlat
    ? "nothing is left"
    : "FAILED: something is left, or there was too much memory",
);
if (!isFlat) Deno.exitCode = 1;

/** Lets callers come, so many times and for so long at most. */
async function soak(most: number, ms: number): Promise<void> {
  const end = performance.now() + ms;
  let left = most;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (left-- > 0 && performance.now() < end) {
      endings[await visit(server)]++;
    }
  }));
}
