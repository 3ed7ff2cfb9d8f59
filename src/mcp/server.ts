import {
  type CallToolRequestParams,
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { closestString } from "@std/text/closest-string";
import { ApiError, toApiError } from "../errors.ts";
import { logInternalError } from "../log.ts";
import type { Link } from "../routes/links.ts";
import { readRequest } from "../routes/read_request.ts";
import type { RequestContext } from "../routes/route.ts";
import { truncateAndQuote } from "../util.ts";
import { VERSION } from "../version.ts";
import { failureResult } from "./results.ts";
import { TOOLS } from "./tools.ts";

const SESSION = "mcp-session-id";
/** How clients say that they gave up waiting, and did not cancel: "Request timed out", "request timeout". */
const TIME_UP = /\btime(?:d[ -]?out|out)\b/i;
/** Clients that look tools up when they need them show these words in the place of all tools. */
const INSTRUCTIONS =
  "Generate, edit and restyle images: photos, illustrations, logos, icons, textures, transparent PNGs, up to four candidates a call, saved as files on this machine. They are drawn with the user's own Codex login and count towards the usage limit of their plan. generate_image makes them, get_job waits for what takes longer, list_images finds earlier ones, status tells why nothing works.";

/** A message of JSON-RPC, as far as it is looked at here. */
interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: { readonly requestId?: unknown; readonly reason?: unknown };
}

/** What ends a call before its answer. */
interface Call {
  /** The caller is gone, or wants it no more. */
  readonly gone: AbortController;
  /** The caller has no time left, and wants the job all the same. */
  readonly timeUp: AbortController;
}

/**
 * Calls under way by session and id, because clients of older revisions cancel by a message of its own.
 *
 * A session is nothing but a name, so that nobody cancels the call of another who counts from 0 too.
 */
const calls = new Map<string, Call>();

/** What is known of a message beside the request that it came in. */
export interface MessageContext extends RequestContext {
  /** Follows the caller, and is aborted too when they want the call no more. */
  readonly gone: AbortController;
}

/**
 * Answers a message of an agent.
 *
 * @throws {ApiError} It cannot be read; whatever else is wrong stands in the answer.
 */
export async function answerMessage(
  request: Request,
  { gone, requestId, service }: MessageContext,
): Promise<Response> {
  const call = { gone, timeUp: new AbortController() };
  const link = service.links.for(request);
  const session = request.headers.get(SESSION);
  await using uploaded = new AsyncDisposableStack();
  const message = await readRequest(request, service, {
    form: undefined,
    parse: requireOne,
    requestId,
    signal: gone.signal,
    uploaded,
  });
  if (message?.method === "notifications/cancelled") {
    endCall(session, message);
  }
  const { fetch } = createMcpHandler(() => {
    const server = createServer({ call, link, requestId, service });
    if (message?.method !== "tools/call") return server;
    const held = uploaded.move();
    const key = callKey(session, message.id);
    if (session !== null) calls.set(key, call);
    server.onclose = () => {
      if (calls.get(key) === call) calls.delete(key);
      gone.abort();
      void held.disposeAsync();
    };
    return server;
  }, { maxSubscriptions: 0 });
  const response = await fetch(request, { parsedBody: message });
  if (message?.method === "initialize" && response.ok) {
    response.headers.set(SESSION, crypto.randomUUID());
  }
  return response;
}

function requireOne(body: unknown): Message | null {
  if (!Array.isArray(body)) return body as Message | null;
  throw new ApiError(
    "invalid_json",
    "Cannot use the body: it is a list, expected one message of JSON-RPC",
  );
}

function callKey(session: string | null, id: unknown): string {
  return JSON.stringify([session, id]);
}

function endCall(session: string | null, { params }: Message): void {
  const call = calls.get(callKey(session, params?.requestId));
  const isTimeUp = TIME_UP.test(String(params?.reason));
  (isTimeUp ? call?.timeUp : call?.gone)?.abort();
}

/** What the tools of one request work with. */
interface Work extends RequestContext {
  readonly call: Call;
  readonly link: Link;
}

function createServer(work: Work): Server {
  const server = new Server(
    { name: "codex-image-server", title: "Codex images", version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler("tools/list", () => ({
    tools: TOOLS.map(({ listed }) => listed),
  }));
  server.setRequestHandler(
    "tools/call",
    ({ params }, context) => callTool(params, context, work),
  );
  return server;
}

async function callTool(
  { name, arguments: args = {} }: CallToolRequestParams,
  { mcpReq }: ServerContext,
  { call, link, requestId, service }: Work,
): Promise<CallToolResult> {
  const tool = TOOLS.find(({ listed }) => listed.name === name);
  if (tool === undefined) throw unknownTool(name);
  const progressToken = mcpReq._meta?.progressToken;
  try {
    return await tool.call(args, {
      link,
      requestId,
      service,
      signal: call.gone.signal,
      timeUp: call.timeUp.signal,
      report: async (progress) => {
        if (progressToken === undefined) return;
        await mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, ...progress },
        });
      },
    });
  } catch (error) {
    const failure = toApiError(error);
    if (failure.code === "internal_error") {
      logInternalError(service.log, requestId, error);
    }
    return failureResult(failure);
  }
}

function unknownTool(name: string): ProtocolError {
  const names = TOOLS.map(({ listed }) => listed.name);
  const nearest = closestString(name.slice(0, 60), names);
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `Cannot call ${
      truncateAndQuote(name)
    }: there is no such tool, the nearest is "${nearest}"`,
  );
}
