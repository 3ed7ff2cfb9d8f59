import { join } from "@std/path";
import { Codex } from "../../src/codex/codex.ts";
import { writePrompt } from "../../src/codex/prompt.ts";
import { variationPrompt } from "../../src/generation/prompt.ts";
import { probeUnfinished } from "../../src/images/probe.ts";
import type { Way } from "./way.ts";

/** What the bare worker works with. */
export interface BareOptions {
  readonly authHome: string;
  readonly upstreamUrl: string;
  /** Whether each worker has to make its own databases. */
  readonly freshDatabases?: boolean;
}

/**
 * The worker that the server runs, without the server around it.
 *
 * @param directory A directory of its own.
 */
export async function openBareWay(
  directory: string,
  options: BareOptions,
): Promise<Way> {
  const instance = `bench-${crypto.randomUUID()}`;
  const codex = await Codex.open({
    ...options,
    dataDir: directory,
    codexBin: undefined,
    minimalInstructions: true,
    model: undefined,
    env: Deno.env.toObject(),
    instance,
    check: probeUnfinished,
    log: () => {},
  });
  if (options.freshDatabases) {
    const template = join(directory, "database-template");
    await Deno.remove(template, { recursive: true });
    await Deno.mkdir(template);
  }
  const ended = new Set<Promise<void>>();
  let serial = 0;
  return {
    images: 1,
    mark: `${instance}.*`,
    pictures: join(directory, "codex-home", "generated_images"),
    start: (words) => {
      const caller = new AbortController();
      const name = `${++serial}`;
      const directions = [variationPrompt(0, 1)];
      const worker = codex.start({
        input: writePrompt({ words, directions, originals: [], seen: [] }),
        images: [],
        directory: join(directory, "work", name),
        workerTag: `${instance}.${name}`,
      }, caller.signal);
      ended.add(worker.ended);
      return {
        done: worker.picture.then(async ({ facts }) => void await facts),
        cancel: () => caller.abort(),
      };
    },
    settle: async () => {
      await Promise.all(ended);
      ended.clear();
    },
  };
}
