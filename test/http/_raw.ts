/** Sends text as it is to a server on this machine and gives all that comes back until the server hangs up. */
export async function exchange(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  const chunks = connection.readable.pipeThrough(new TextDecoderStream());
  return (await Array.fromAsync(chunks)).join("");
}
