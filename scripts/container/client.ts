/** An answer of the server. */
export interface Answer {
  readonly status: number;
  /** The JSON, loosely read. */
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** Asks for a JSON answer. */
export async function ask(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

/**
 * Asks a server for images.
 *
 * @param url The server.
 * @param body The request.
 */
export function generate(
  url: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  return ask(`${url}/v1/images/generate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}
