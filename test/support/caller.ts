import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { delay } from "@std/async/delay";

/** What lies between two pieces of a request, in milliseconds. */
const PIECE_MS = 20;

/** How a caller can leave, as its socket tells it. */
export type Leaving = "FIN" | "RST" | "half-close";
/** All ways to leave. */
export const LEAVINGS: readonly Leaving[] = ["FIN", "RST", "half-close"];

/** A caller with a socket of its own, of which the pieces and the end are as a test wants them. */
export class Caller implements Disposable {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // What a server that cuts the connection does to it is told by its close.
    socket.on("error", () => {});
  }

  /** Connects to a port of this machine. */
  static async connect(port: number): Promise<Caller> {
    const socket = connect(port, "127.0.0.1").setNoDelay();
    await once(socket, "connect");
    return new Caller(socket);
  }

  /** Sends pieces, each by itself, and waits until the system has taken them. */
  async send(...pieces: readonly (string | Uint8Array)[]): Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await delay(PIECE_MS);
      await new Promise((resolve) => this.#socket.write(piece, resolve));
    }
  }

  /** Reads until what came ends as it should, or the server has nothing more to say. */
  async read(
    isWhole: (text: string) => boolean = () => false,
  ): Promise<string> {
    let text = "";
    const decoder = new TextDecoder();
    for await (
      const chunk of this.#socket.iterator({ destroyOnReturn: false })
    ) {
      text += decoder.decode(chunk, { stream: true });
      if (isWhole(text)) break;
    }
    return text;
  }

  /** Leaves. */
  leave(how: Leaving): void {
    if (how === "FIN") this.#socket.destroy();
    else if (how === "RST") this.#socket.resetAndDestroy();
    else this.#socket.end();
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A request that hangs, in the pieces in which it is sent. */
export interface RequestShape {
  readonly name: string;
  /** The pieces, for a server on a port. */
  readonly pieces: (port: number) => (string | Uint8Array)[];
  /** Whether another request comes before it on its connection. */
  readonly isSecond?: boolean;
}

const BODY = '{"prompt":"a fox sandbox:hang"}';
const JSON_TYPE = "application/json";
const BOUNDARY = "b0undary";

/**
 * All shapes in which a request can reach a server, of which each hangs.
 *
 * @param picture A picture to send as a file.
 */
export function requestShapes(picture: Uint8Array): readonly RequestShape[] {
  const inOnePiece = (bytes: number, body = BODY) => (port: number) => [
    head(port, [lengthOf(bytes)]) + body.padEnd(bytes),
  ];
  const inTwoPieces = (
    port: number,
  ) => [head(port, [lengthOf(2_000)]), BODY.padEnd(2_000)];
  const form = formOf(picture);
  return [
    { name: "of 100 bytes", pieces: inOnePiece(100) },
    { name: "of 2 kB in one piece", pieces: inOnePiece(2_000) },
    { name: "of head and body apart", pieces: inTwoPieces },
    {
      name: "in chunks",
      pieces: (port) => [
        head(port, ["Transfer-Encoding: chunked"]),
        chunk(BODY.slice(0, 9)),
        chunk(BODY.slice(9)) + chunk(""),
      ],
    },
    { name: "of 200 kB", pieces: inOnePiece(200_000) },
    { name: "of 5 MB", pieces: inOnePiece(5_000_000, bodyOf(picture)) },
    {
      name: "of a form with a file",
      pieces: (port) => [
        head(
          port,
          [lengthOf(form.length)],
          `multipart/form-data; boundary=${BOUNDARY}`,
        ),
        form,
      ],
    },
    {
      name: "that is the second of its connection",
      pieces: inTwoPieces,
      isSecond: true,
    },
    {
      name: "for a stream of events",
      pieces: (port) => [
        head(port, ["Accept: text/event-stream", lengthOf(2_000)]) +
        BODY.padEnd(2_000),
      ],
    },
  ];
}

/** A body of at most 5 MB with a picture as often as a request may have it. */
function bodyOf(picture: Uint8Array): string {
  const image = `data:image/png;base64,${picture.toBase64()}`;
  const count = Math.min(16, Math.floor(4_900_000 / image.length));
  const references = Array.from({ length: count }, () => ({ image }));
  return JSON.stringify({ ...JSON.parse(BODY), references });
}

function head(
  port: number,
  fields: readonly string[],
  type = JSON_TYPE,
): string {
  return [
    "POST /v1/images/generate HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    `Content-Type: ${type}`,
    ...fields,
    "",
    "",
  ].join("\r\n");
}

function lengthOf(bytes: number): string {
  return `Content-Length: ${bytes}`;
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function formOf(picture: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const part = (name: string, more = "") =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  return new Uint8Array([
    ...encoder.encode(
      part("prompt") + "a fox sandbox:hang\r\n" +
        part("reference", '; filename="a.png"\r\nContent-Type: image/png'),
    ),
    ...picture,
    ...encoder.encode(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}
