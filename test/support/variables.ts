import { join } from "@std/path";

const DIRECTORY = join(import.meta.dirname ?? "", "cli");

/**
 * The variables of this process, with what spares the CLI a quarter of its work at each start.
 *
 * It reads all certificates of the machine, though no test has it speak to another machine, and asks for the machine's name.
 */
export function cliVariables(): Record<string, string> {
  const { SSL_CERT_DIR: _, ...others } = Deno.env.toObject();
  return {
    ...others,
    PATH: `${DIRECTORY}:${others.PATH}`,
    SSL_CERT_FILE: join(DIRECTORY, "certificate.pem"),
  };
}
