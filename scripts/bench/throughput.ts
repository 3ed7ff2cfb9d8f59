const MS = 3_000;
const HEAD_END = "\r\n\r\n";
/** The end of an answer whose length was not known beforehand. */
const LAST_CHUNK = "\r\n0\r\n\r\n";

/** What a server did in a second. */
export interface Throughput {
  readonly requests: number;
  readonly bytes: number;
}

/** Asks for one address for three seconds, over some connections at once. */
export async function measureThroughput(
  url: string,
  connections: number,
): Promise<Throughput> {
  const { hostname, host, pathname, port } = new URL(url);
  const address = { hostname, port: Number(port) };
  const request = `GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  const size = await sizeOfAnswer(address, request);
  const bytes = new TextEncoder().encode(request);
  const start = performance.now();
  const counts = await Promise.all(Array.from({ length: connections }, pump));
  const seconds = (performance.now() - start) / 1000;
  const requests = counts.reduce((sum, count) => sum + count) / seconds;
  return { requests, bytes: requests * size };

  // `fetch` would be the slower end; as all answers are of one size, bytes need only be counted.
  async function pump(): Promise<number> {
    using connection = await Deno.connect(address);
    const buffer = new Uint8Array(262_144);
    let requests = 0;
    while (performance.now() - start < MS) {
      await connection.write(bytes);
      for (let awaited = size; awaited > 0;) {
        awaited -= await read(connection, buffer);
      }
      requests++;
    }
    return requests;
  }
}

async function sizeOfAnswer(
  address: Deno.ConnectOptions,
  request: string,
): Promise<number> {
  using connection = await Deno.connect(address);
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(16_384);
  let text = "";
  while (true) {
    const count = await read(connection, buffer);
    text += new TextDecoder().decode(buffer.subarray(0, count));
    const head = text.split(HEAD_END, 1)[0];
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (length !== undefined) {
      return head.length + HEAD_END.length + Number(length);
    }
    if (text.endsWith(LAST_CHUNK)) return text.length;
  }
}

async function read(
  connection: Deno.Conn,
  buffer: Uint8Array,
): Promise<number> {
  const count = await connection.read(buffer);
  if (count !== null) return count;
  throw new Error("Cannot read on: the server closed the connection");
}
