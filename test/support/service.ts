import { type Config, readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { startServer } from "../../src/server.ts";
import { openPlace, type Place, type TestSettings } from "./place.ts";
import { TestServer } from "./test_server.ts";

/** The service in this process. */
export class TestService extends TestServer implements AsyncDisposable {
  /** Its settings. */
  readonly config: Config;
  readonly #parts: AsyncDisposableStack;

  /** @param parts What ends with it. */
  constructor(
    server: ConstructorParameters<typeof TestServer>,
    config: Config,
    parts: AsyncDisposableStack,
  ) {
    super(...server);
    this.config = config;
    this.#parts = parts;
  }

  /** Ends it, with its place if that is its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/**
 * Starts the service in this process, with the real CLI and a sandbox whose record can be read.
 *
 * @param settings What differs from `Place.environment({})`.
 * @param shared A place to use and to leave; when left out, one of its own.
 */
export async function startTestService(
  settings: TestSettings = {},
  shared?: Place,
): Promise<TestService> {
  await using parts = new AsyncDisposableStack();
  const place = shared ?? parts.use(await openPlace());
  const env = place.environment(settings);
  const { config } = readConfig(env, place.directory);
  let text = "";
  const log = createLog([{ write: (line) => text += line }]);
  const service = await startServer({ config, env, log });
  parts.defer(() => service.stop());
  return new TestService(
    [service.url, place, () => text, config.apiKey],
    config,
    parts.move(),
  );
}
