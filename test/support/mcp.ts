import {
  type CallToolResult,
  Client,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";

/** The revisions of the protocol that are tried. */
export const REVISIONS = ["2026-07-28", "2025-06-18"] as const;

/** One of {@linkcode REVISIONS}. */
export type Revision = typeof REVISIONS[number];

/** The official client, connected; it closes when it is disposed. */
export interface ConnectedClient extends AsyncDisposable {
  readonly client: Client;
  /** Calls a tool. */
  call(
    name: string,
    args?: Record<string, unknown>,
    options?: Parameters<Client["callTool"]>[1],
  ): Promise<CallToolResult>;
}

/** Connects the official client to `/mcp` of a server. */
export async function connectClient(
  url: string,
  revision: Revision,
  headers: Record<string, string> = {},
): Promise<ConnectedClient> {
  const about = { name: "test", version: "1.0.0" };
  const client = revision === "2026-07-28"
    ? new Client(about, { versionNegotiation: { mode: { pin: revision } } })
    : new Client(about, { supportedProtocolVersions: [revision] });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
      requestInit: { headers },
    }),
  );
  return {
    client,
    call: (name, args = {}, options = undefined) =>
      client.callTool({ name, arguments: args }, options),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Sends a message to `/mcp` by itself, as a client of 2025-06-18 would. */
export function postMessage(
  url: string,
  message: unknown,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${url}/mcp`, {
    method: "POST",
    body: JSON.stringify(message),
    ...init,
    headers: {
      "accept": "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-protocol-version": "2025-06-18",
      ...init.headers,
    },
  });
}

/** Writes the message that calls a tool. */
export function callMessage(
  name: string,
  args: unknown,
  id: number | string = 0,
) {
  const params = { name, arguments: args };
  return { jsonrpc: "2.0", id, method: "tools/call", params };
}

/** Reads the result out of the answer to one message. */
export async function readResult(response: Response): Promise<CallToolResult> {
  const text = await response.text();
  const data = text.split("\n").findLast((line) => line.startsWith("data: "));
  return JSON.parse(data?.slice("data: ".length) ?? text).result;
}

/** All text of a result. */
export function textOf({ content }: CallToolResult): string {
  return content.map((part) => part.type === "text" ? part.text : "")
    .join("\n");
}

/** The id of the first job that a text names. */
export function jobIn(text: string): string {
  const id = /gen_[0-9a-f-]{36}/.exec(text)?.[0];
  if (id === undefined) throw new Error(`Cannot find a job in "${text}"`);
  return id;
}
