import { STATUS_CODE } from "@std/http/status";
import {
  type IncomingMessage,
  METHODS as KNOWN_METHODS,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import { HttpError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";
import { errorResponse, newRequestId } from "./error_response.ts";

/** How long a caller may take to hang up after its answer, in milliseconds. */
const LINGER_MS = 1_000;
const ALLOW = "DELETE, GET, HEAD, OPTIONS, POST";
const REQUEST_LINE = /^([!-~]{1,100}) [!-~]+ HTTP\/1\.[01]\r?\n/;

/** What Node tells of a request that it could not read. */
interface ReadError extends Error {
  readonly code?: string;
  readonly rawPacket?: Uint8Array;
}

/** Lets a server answer in the words of all errors what never becomes a request: Node would send bare statuses. */
export function answerUnreadable(server: Server): void {
  server.on("clientError", (error: ReadError, socket: Socket) => {
    void answer(socket, explain(error));
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    void answer(socket, notAllowed("CONNECT"));
  });
  server.on("checkExpectation", ({ headers, socket }: IncomingMessage) => {
    void answer(socket, expectationFailed(headers.expect ?? ""));
  });
}

/** The connections that have their answer: each further piece of what they send is unreadable too. */
const answered = new WeakSet<Socket>();

function explain({ code, message, rawPacket }: ReadError): HttpError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new HttpError(
      "request_canceled",
      "Cannot read the request: its headers did not come in time",
      { status: STATUS_CODE.RequestTimeout },
    );
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    return new HttpError(
      "unknown_parameter",
      "Cannot read the request: its path and headers are too large, expected 16384 bytes at most",
      { status: STATUS_CODE.RequestHeaderFieldsTooLarge },
    );
  }
  const head = new TextDecoder("latin1").decode(rawPacket?.subarray(0, 8_192));
  const [, method] = REQUEST_LINE.exec(head) ?? [];
  if (method !== undefined && !KNOWN_METHODS.includes(method)) {
    return notAllowed(method);
  }
  return new HttpError(
    "unknown_parameter",
    `Cannot read the request: it is no HTTP/1.1 (${message}); a path is written in ASCII, other characters percent-encoded`,
    { status: STATUS_CODE.BadRequest },
  );
}

function expectationFailed(expect: string): HttpError {
  return new HttpError(
    "unknown_parameter",
    `Cannot meet Expect ${
      truncateAndQuote(expect)
    }: expected "100-continue", or no such header`,
    { status: STATUS_CODE.ExpectationFailed, param: "Expect" },
  );
}

function notAllowed(method: string): HttpError {
  return new HttpError(
    "method_not_allowed",
    `Cannot answer ${
      truncateAndQuote(method)
    }: no path allows it, expected ${ALLOW}`,
    { headers: { allow: ALLOW } },
  );
}

async function answer(socket: Socket, failure: HttpError): Promise<void> {
  if (answered.has(socket)) return;
  answered.add(socket);
  // Node adds a listener of its own for every piece.
  socket.setMaxListeners(0);
  // Nobody else listens to a connection that has become no request, and an error that nobody hears ends the process.
  socket.on("error", () => {});
  const { body, fields, status } = await lay(failure);
  // Of an answer under way, which may have begun just now, nobody could tell this one.
  const { _httpMessage: current } = socket as Socket & {
    readonly _httpMessage?: ServerResponse | null;
  };
  if (!socket.writable || current?.headersSent) {
    socket.destroy();
    return;
  }
  const head = Object.entries({ ...fields, connection: "close" })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`,
  );
}

async function lay(failure: HttpError): Promise<{
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}> {
  const response = errorResponse(failure, newRequestId());
  const body = await response.text();
  const length = new TextEncoder().encode(body).length;
  const fields = {
    ...Object.fromEntries(response.headers),
    "content-length": `${length}`,
  };
  return { status: response.status, fields, body };
}
