/** Prints what `deno run` may touch for the present settings: `net` its addresses, `read` and `write` its paths, `check` nothing but mistakes. */
import { basename, dirname, join } from "@std/path";
import { ConfigError, readConfig } from "../src/config.ts";

function main(kind: string): string {
  const { config } = readConfig(Deno.env.toObject(), Deno.cwd());
  if (kind === "check") return "";
  if (kind === "net") {
    const addresses = ["127.0.0.1", "[::1]", "localhost", config.host];
    return [...new Set(addresses)].map(bracketed).join(",");
  }
  const paths = [config.dataDir, config.outputDir];
  // The login is looked at; only the CLI writes there.
  if (kind === "read") paths.push(config.authHome);
  if (config.logFile !== undefined) paths.push(dirname(config.logFile));
  const all = new Set(paths.flatMap((path) => [path, realPath(path)]));
  // Deno reads a list: a comma in a path is written twice.
  return [...all].map((path) => path.replaceAll(",", ",,")).join(",");
}

// What is asked of an open file needs a permission for the path behind all links; what is not there yet lies below one that is.
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return path;
    return join(realPath(dirname(path)), basename(path));
  }
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

try {
  const grants = main(Deno.args[0]);
  if (grants !== "") console.log(grants);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  Deno.exitCode = 1;
}
