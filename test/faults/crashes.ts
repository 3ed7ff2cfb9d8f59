import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { encodeHex } from "@std/encoding/hex";
import { join } from "@std/path";
import { parseSidecar } from "../../src/images/sidecar.ts";
import { namesIn } from "../codex/stand_in.ts";
import { openPlace, type Place } from "../support/place.ts";
import { type ServerProcess, spawnServer } from "../support/server_process.ts";
import { filesIn } from "../support/test_server.ts";

/** How many callers ask for pictures at the same time. */
const CALLERS = 3;
/** The latest moment for a crash after the load has begun, in milliseconds. */
const LATEST_MS = 2_500;
const ID = /^codex-[0-9a-f-]{36}(?:-[1-4])?/;

/** What was survived. */
export interface Survival {
  /** How often the server was killed. */
  readonly crashes: number;
  /** How many images had been answered or stored, all of which are still there and whole. */
  readonly images: number;
  /** How many jobs a crash has cut off, all of which say so. */
  readonly jobsCutOff: number;
  /** How many processes were left by crashes, all of which the next start has ended. */
  readonly orphans: number;
  /** How many pictures are there without a sidecar, because a crash came between the two; nobody was told of them. */
  readonly withoutSidecar: number;
}

/** What has to be there after a crash: the SHA-256 of every answered image by its id. */
type Expected = Map<string, string>;

/**
 * Kills the server with SIGKILL at random moments under load, and makes sure after every new start that nothing is
 * torn, lost or left.
 *
 * @param onCrash Told after each.
 */
export async function surviveCrashes(
  crashes: number,
  onCrash: (crash: number) => void = () => {},
): Promise<Survival> {
  await using place = await openPlace();
  const expected: Expected = new Map();
  let orphans = 0;
  for (let crash = 1; crash <= crashes; crash++) {
    await using server = await spawnServer({}, place);
    orphans += orphansKilled(server);
    await assertInOrder(server, expected);
    const stop = new AbortController();
    const load = Array.from(
      { length: CALLERS },
      () => ask(server, expected, stop.signal),
    );
    await delay(Math.random() * LATEST_MS);
    server.kill("SIGKILL");
    stop.abort();
    await Promise.all(load);
    await server.ended;
    onCrash(crash);
  }
  await using server = await spawnServer({}, place);
  orphans += orphansKilled(server);
  await assertInOrder(server, expected);
  const pictures = filesIn(place.outputDir).filter(isDelivered);
  return {
    crashes,
    images: expected.size,
    jobsCutOff:
      (await jobs(server)).filter((job) =>
        job.error?.code === "server_restarted"
      ).length,
    orphans,
    withoutSidecar: pictures.length - expected.size,
  };
}

/** Asks for pictures of all kinds until the server is gone. */
async function ask(
  server: ServerProcess,
  expected: Expected,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const body = {
      prompt: `a fox sandbox:slow=${Math.floor(Math.random() * 400)}`,
      count: 1 + Math.floor(Math.random() * 3),
      ...(Math.random() < 0.5 ? { size: "1K", output_format: "webp" } : {}),
    };
    const headers: HeadersInit = Math.random() < 0.3
      ? { prefer: "respond-async" }
      : {};
    try {
      const response = await server.generate(body, { headers });
      const { data = [] } = await response.json();
      for (const { id, sha256 } of data) expected.set(id, sha256);
    } catch (error) {
      // The server is gone, and the answer with it.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

/** Makes sure that a server that has just started finds everything in order. */
async function assertInOrder(
  server: ServerProcess,
  expected: Expected,
): Promise<void> {
  const { place } = server;
  assertEquals(await server.processes(), []);
  const { active, queued } = await server.workers();
  assertEquals([active, queued], [0, 0]);
  assertEquals(filesIn(join(place.dataDir, "work")), []);
  const pictures = join(place.dataDir, "codex-home", "generated_images");
  assertEquals(await namesIn(pictures), []);
  for (const { status } of await jobs(server)) {
    assert(status !== "queued" && status !== "running", status);
  }
  await assertWhole(place, expected);
  for (const [id, digest] of expected) {
    const file = await fetch(`${server.url}/v1/images/${id}/file`);
    assertEquals(await sha256(await file.bytes()), digest);
  }
}

/** Every sidecar describes files that are whole, every answered image has one, and nothing else is there. */
async function assertWhole(place: Place, expected: Expected): Promise<void> {
  const { outputDir } = place;
  const names = filesIn(outputDir);
  assertEquals(names.filter((name) => !ID.test(name)), []);
  for (const name of names.filter((name) => name.endsWith(".json"))) {
    const id = name.slice(0, -".json".length);
    const text = await Deno.readTextFile(join(outputDir, name));
    const sidecar = parseSidecar(text, id);
    assert(sidecar !== undefined, `${name} is torn`);
    const { original } = sidecar;
    for (const stored of original === null ? [sidecar] : [sidecar, original]) {
      const bytes = await Deno.readFile(join(outputDir, stored.file));
      assertEquals(await sha256(bytes), stored.sha256);
    }
    if (!expected.has(id)) expected.set(id, sidecar.sha256);
    assertEquals(sidecar.sha256, expected.get(id));
  }
  for (const id of expected.keys()) assert(names.includes(`${id}.json`), id);
}

interface JobView {
  readonly status: string;
  readonly error: { readonly code: string } | null;
}

async function jobs(server: ServerProcess): Promise<readonly JobView[]> {
  const response = await fetch(`${server.url}/v1/jobs?limit=100`);
  return (await response.json()).data;
}

function orphansKilled(server: ServerProcess): number {
  return server.logLines("codex.orphans.killed")
    .reduce((sum, { processes }) => sum + Number(processes), 0);
}

function isDelivered(name: string): boolean {
  return !name.endsWith(".json") && !name.includes(".original.");
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}
