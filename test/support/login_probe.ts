/** Prints what the server finds wrong with the login in the directory of its argument. */
import { findLoginTrouble } from "../../src/codex/login_check.ts";

console.log(JSON.stringify(await findLoginTrouble(Deno.args[0])));
