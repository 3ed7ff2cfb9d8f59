import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  type Listening,
  serve,
  type ServeOptions,
} from "../../src/http/serve.ts";
import { ConfigError } from "../../src/config.ts";

const OPTIONS: ServeOptions = {
  host: "127.0.0.1",
  port: 0,
  log: () => {},
  maxConnections: 100,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
};

/** Serves for as long as a test takes. */
async function withServer(
  options: Partial<ServeOptions>,
  body: (listening: Listening) => Promise<void>,
): Promise<void> {
  const listening = serve(
    () => Promise.resolve(new Response("hello")),
    { ...OPTIONS, ...options },
  );
  try {
    await body(listening);
  } finally {
    await listening.stop();
  }
}

/** Sends some text and reads until the server closes the connection. */
async function talk(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  let answer = "";
  const bytes = new Uint8Array(1_000);
  for (let length; (length = await connection.read(bytes)) !== null;) {
    answer += new TextDecoder().decode(bytes.subarray(0, length));
  }
  return answer;
}

Deno.test("serve() answers on 127.0.0.1 and on localhost, whichever that is", () =>
  withServer({}, async ({ port, url }) => {
    assertEquals(url, `http://127.0.0.1:${port}`);
    for (const host of ["127.0.0.1", "localhost"]) {
      const response = await fetch(`http://${host}:${port}/`);
      assertEquals(await response.text(), "hello");
    }
  }));

Deno.test("serve() closes a connection whose head does not come", () =>
  withServer({ headerTimeoutMs: 200 }, async ({ port }) => {
    assertMatch(await talk(port, "GET / HT"), /^HTTP\/1.1 408 /);
  }));

Deno.test("serve() closes a connection that asks for nothing more", () =>
  withServer({ idleTimeoutMs: 100 }, async ({ port }) => {
    const answer = await talk(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertMatch(answer, /^HTTP\/1.1 200 /);
  }));

Deno.test("serve() turns away connections beyond the limit, and goes on with the others", () =>
  withServer({ maxConnections: 2, host: "127.0.0.1" }, async ({ port }) => {
    const connect = () => Deno.connect({ hostname: "127.0.0.1", port });
    using _first = await connect();
    using second = await connect();
    assertEquals(await talk(port, "").catch(() => ""), "");
    await second.write(
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    );
    const bytes = new Uint8Array(1_000);
    assert((await second.read(bytes) ?? 0) > 0);
  }));

Deno.test("serve() counts the connections of 127.0.0.1 and [::1] together", {
  // Some machines have no IPv6.
  ignore: !Deno.networkInterfaces().some(({ address }) => address === "::1"),
}, () =>
  withServer({ maxConnections: 2 }, async ({ port }) => {
    using _first = await Deno.connect({ hostname: "127.0.0.1", port });
    using _second = await Deno.connect({ hostname: "::1", port });
    for (const hostname of ["127.0.0.1", "::1"]) {
      using third = await Deno.connect({ hostname, port });
      assertEquals(await third.read(new Uint8Array(1)), null);
    }
  }));

Deno.test("serve() says which port is taken", () =>
  withServer({}, ({ port }) => {
    assertThrows(
      () => serve(() => Promise.resolve(new Response()), { ...OPTIONS, port }),
      ConfigError,
      `port ${port}: it is in use`,
    );
    return Promise.resolve();
  }));

Deno.test("serve() does not wait for connections that were never used when it stops", async () => {
  const { port, stop, url } = serve(
    () => Promise.resolve(new Response("hello")),
    OPTIONS,
  );
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  // Whoever is answered came later.
  await (await fetch(url)).text();
  const begun = performance.now();
  await stop();
  assert(performance.now() - begun < 4_000);
  assertEquals(await connection.read(new Uint8Array(1)), null);
});
