/** Prints which of the files of its arguments the server can open. */
import { openRegularFile } from "../../src/images/regular_file.ts";

const opened: Record<string, boolean> = {};
for (const path of Deno.args) {
  using file = (await openRegularFile(path))?.file;
  opened[path] = file !== undefined;
}
console.log(JSON.stringify(opened));
