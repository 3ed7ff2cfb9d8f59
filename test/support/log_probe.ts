/** Logs two lines once its standard input has ended, and says whether it survived. */
import { createLog, stdoutSink } from "../../src/log.ts";

const log = createLog([stdoutSink]);
await Deno.stdin.readable.pipeTo(new WritableStream());
log("info", "one");
log("info", "two");
console.error("alive");
