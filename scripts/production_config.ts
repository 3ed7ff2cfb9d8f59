/**
 * Prints `deno.json` with those imports only that the files under `src` name, so that the image gets no
 * package that only tests need: `deno run --allow-read=. scripts/production_config.ts`.
 */

async function readAll(directory: string): Promise<string> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) texts.push(await readAll(path));
    else if (name.endsWith(".ts")) texts.push(await Deno.readTextFile(path));
  }
  return texts.join("\n");
}

// The page has a configuration of its own for its types, which nobody checks in the image.
const { workspace: _, ...config } = JSON.parse(
  await Deno.readTextFile("deno.json"),
);
const source = await readAll("src");
const imports = Object.entries(config.imports).filter(([name]) =>
  source.includes(`"${name}"`) || source.includes(`"${name}/`)
);
console.log(
  JSON.stringify({ ...config, imports: Object.fromEntries(imports) }, null, 2),
);
