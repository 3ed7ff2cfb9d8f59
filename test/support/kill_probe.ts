/** Prints whether this process may signal the one whose number is its argument. */
import { signalProcess } from "../../src/codex/process_tree.ts";

console.log(JSON.stringify(signalProcess(Number(Deno.args[0]), "SIGURG")));
