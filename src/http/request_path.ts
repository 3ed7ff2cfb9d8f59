import { HttpFailure } from "./http_failure.ts";
import { quote } from "./quote.ts";

/**
 * Tells the path of a request as its URL holds it, with percent-encoding left alone.
 *
 * The server puts the `Host` header into the URL as it came, so that not every URL can be read.
 *
 * @throws {HttpFailure} `forbidden_host` with status 400: the URL cannot be read.
 */
export function requestPath(request: Request): string {
  const url = URL.parse(request.url);
  if (url !== null) return url.pathname;
  throw new HttpFailure(
    "forbidden_host",
    `Cannot read address ${quote(request.url)}: it is not a URL`,
    { status: 400 },
  );
}
