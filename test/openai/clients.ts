import OpenAI6 from "openai6";
import OpenAI7 from "openai7";

/**
 * The official clients, by their names in the titles of tests.
 *
 * One type stands for both: of a union of theirs no overloaded method can be called.
 */
export const CLIENTS: readonly {
  readonly name: string;
  readonly OpenAI: typeof OpenAI7;
}[] = [
  { name: "openai 6", OpenAI: OpenAI6 as unknown as typeof OpenAI7 },
  { name: "openai 7", OpenAI: OpenAI7 },
];

/**
 * Connects an official client to a port of 127.0.0.1.
 *
 * @param maxRetries How often it may repeat a request by itself.
 */
export function connect(
  OpenAI: typeof OpenAI7,
  { maxRetries = 0, path = "/v1", port, timeoutMs }: {
    readonly port: number;
    readonly path?: string;
    readonly maxRetries?: number;
    /** After how long it gives up on a request, in milliseconds. */
    readonly timeoutMs?: number;
  },
): OpenAI7 {
  return new OpenAI({
    baseURL: `http://127.0.0.1:${port}${path}`,
    apiKey: "any",
    maxRetries,
    timeout: timeoutMs,
    fetch: fetchOnce,
  });
}

/** Fetches as other platforms do: Deno repeats a request whose connection is cut, unless its body is a stream. */
const fetchOnce: typeof fetch = Object.assign(
  (input: string | URL | Request, init?: RequestInit) => {
    const { body, headers } = new Request(input, init);
    // A stream that comes straight from text or a form counts as those.
    const stream = body?.pipeThrough(new TransformStream());
    return fetch(input, { ...init, headers, body: stream });
  },
  // Version 6 looks here before it fetches something to find out.
  { Response },
);
