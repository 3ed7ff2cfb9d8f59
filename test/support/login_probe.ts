/** Prints what the server finds wrong with the login in the directory of its argument. */
import { findLoginProblem } from "../../src/codex/login_problem.ts";

console.log(JSON.stringify(await findLoginProblem(Deno.args[0])));
