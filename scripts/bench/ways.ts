import { join } from "@std/path";
import { killAll } from "../../src/codex/process_tree.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { openBareWay } from "./bare_way.ts";
import { type Server, startServer } from "./server.ts";
import { serverWay } from "./server_way.ts";
import { openStockWay } from "./stock_way.ts";
import type { Way } from "./way.ts";

/** A chat model that calls the image tool directly. */
export const DIRECT_MODEL = "gpt-5.5";

/** All that is compared. */
export interface Ways extends AsyncDisposable {
  /** The server with the CLI's default model. */
  readonly server: Server;
  /** A plain `codex exec`. */
  readonly stock: Way;
  /** The server's worker without the server. */
  readonly bare: Way;
  /** The same, but each makes its own databases. */
  readonly fresh: Way;
  /** One image from the server. */
  readonly one: Way;
  /** One image from a server with {@linkcode DIRECT_MODEL}. */
  readonly direct: Way;
  /** Four images at once from the server. */
  readonly four: Way;
}

/**
 * Opens all ways on one backend.
 *
 * @param directory Where everything is kept.
 */
export async function openWays(
  directory: string,
  upstreamUrl: string,
): Promise<Ways> {
  await using parts = new AsyncDisposableStack();
  const authHome = join(directory, "login");
  await writeSandboxLogin(authHome);
  const settings = { UPSTREAM_URL: upstreamUrl, CODEX_AUTH_HOME: authHome };
  const server = parts.use(
    await startServer(join(directory, "server"), settings),
  );
  const direct = parts.use(
    await startServer(join(directory, "direct"), {
      ...settings,
      CODEX_MODEL: DIRECT_MODEL,
    }),
  );
  const bare = await openBareWay(join(directory, "bare"), {
    authHome,
    upstreamUrl,
  });
  const fresh = await openBareWay(join(directory, "fresh"), {
    authHome,
    upstreamUrl,
    freshDatabases: true,
  });
  const stock = await openStockWay(join(directory, "stock"), upstreamUrl);
  for (const { mark } of [bare, fresh, stock]) {
    parts.defer(async () => void await killAll(mark));
  }
  const held = parts.move();
  return {
    server,
    stock,
    bare,
    fresh,
    one: serverWay(server, 1),
    direct: serverWay(direct, 1),
    four: serverWay(server, 4),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
