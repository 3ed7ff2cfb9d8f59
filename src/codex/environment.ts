/** The variable that marks every process of a worker; its name survives the CLI's filter for secrets. */
export const MARK_VARIABLE = "CODEX_IMAGE_WORKER";

const PASSED_ON = [
  "PATH",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "CODEX_CA_CERTIFICATE",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
] as const;
/** No proxy reaches the sandbox of this machine. */
const THIS_MACHINE = "localhost,127.0.0.1,::1";

/** What the environment of one worker depends on. */
export interface EnvironmentOptions {
  /** The CLI's home. */
  readonly home: string;
  /** What marks the worker's processes. */
  readonly mark: string;
  /** The service that stands in for the real one. */
  readonly upstreamUrl: string | undefined;
}

/**
 * Makes the environment of a worker: an allow-list of ours, and nothing else.
 *
 * `OPENAI_API_KEY` and its like would change who pays, and our own key is nobody's business.
 * The time zone is UTC, so that the CLI's "try again at 8:19 PM" can be understood.
 *
 * @param own The server's environment.
 */
export function workerEnvironment(
  own: Readonly<Record<string, string>>,
  options: EnvironmentOptions,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of PASSED_ON) {
    if (own[name] !== undefined) env[name] = own[name];
  }
  const noProxy = [own.NO_PROXY || own.no_proxy || [], THIS_MACHINE].flat();
  env.NO_PROXY = env.no_proxy = noProxy.join(",");
  env.HOME = options.home;
  env.CODEX_HOME = options.home;
  env.TZ = "UTC";
  env[MARK_VARIABLE] = options.mark;
  if (options.upstreamUrl !== undefined) {
    env.CODEX_REFRESH_TOKEN_URL_OVERRIDE = `${options.upstreamUrl}/oauth/token`;
  }
  return env;
}
