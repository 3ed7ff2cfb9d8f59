/**
 * Kills the server with SIGKILL at random moments under load, and prints what was survived:
 * `deno run --allow-all scripts/crash_test.ts [CRASHES]`, fifty when left out. It needs no account.
 */
import { surviveCrashes } from "../test/faults/crashes.ts";

const EVERY = 10;

const crashes = Number(Deno.args[0] ?? 50);
const survival = await surviveCrashes(crashes, (crash) => {
  if (crash % EVERY === 0) console.log(`${crash} of ${crashes} crashes`);
});
console.table(survival);
