/** Tries what its arguments say, such as `read /etc/passwd`, and prints what became of each. */
const WAYS: Readonly<Record<string, (target: string) => Promise<unknown>>> = {
  read: (path) => Deno.readFile(path),
  write: (path) => Deno.writeTextFile(path, "", { append: true }),
  connect: async (address) => {
    const [hostname, port] = address.split(":");
    (await Deno.connect({ hostname, port: Number(port) })).close();
  },
};

const results: Record<string, string> = {};
for (const wish of Deno.args) {
  const [way, target] = wish.split(" ");
  try {
    await WAYS[way](target);
    results[wish] = "allowed";
  } catch (error) {
    results[wish] = (error as Error).name;
  }
}
console.log(JSON.stringify(results));
