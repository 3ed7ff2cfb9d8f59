/**
 * Fetches as the page of a frame without an origin does: it asks beforehand, says "null" for its origin, and may read only
 * what allows that.
 *
 * @throws {TypeError} The server does not allow it.
 */
export async function fetchFromFrame(
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  const names = [...headers.keys()];
  const method = init.method ?? "GET";
  const allowed = await fetch(url, {
    method: "OPTIONS",
    headers: {
      "origin": "null",
      "access-control-request-method": method,
      "access-control-request-headers": names.join(","),
    },
  });
  await allowed.body?.cancel();
  const told = (name: string) => allowed.headers.get(name)?.split(/, ?/) ?? [];
  const forbidden = [
    ...names.filter((name) =>
      !told("access-control-allow-headers").includes(name)
    ),
    ...[method].filter((name) =>
      !told("access-control-allow-methods").includes(name)
    ),
  ];
  if (!allowed.ok || forbidden.length > 0) {
    throw new TypeError(`Cannot fetch: no leave for ${forbidden}`);
  }
  headers.set("origin", "null");
  headers.set("sec-fetch-site", "cross-site");
  const response = await fetch(url, { ...init, headers });
  if (response.headers.get("access-control-allow-origin") === "null") {
    return response;
  }
  await response.body?.cancel();
  throw new TypeError("Cannot fetch: the answer is for nobody");
}
