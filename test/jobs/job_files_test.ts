import { assertEquals } from "@std/assert";
import { JobFiles, type JobRecord } from "../../src/jobs/job_store.ts";

const ID = `gen_${crypto.randomUUID()}`;

function record(endedAt?: number): JobRecord {
  return {
    id: ID,
    requestId: "r",
    status: endedAt === undefined ? "running" : "completed",
    createdAt: 1,
    endedAt,
    request: {
      count: 1,
      requested_size: "auto",
      quality: "auto",
      output_format: "png",
      reference_count: 0,
    },
    candidates: [],
    lastEventId: 1,
  };
}

async function withDirectory(
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("JobFiles.write() leaves the last of many records written at once", () =>
  withDirectory(async (directory) => {
    const files = new JobFiles(directory, true);
    const times = Array.from({ length: 50 }, (_, index) => index + 1);
    await Promise.all(times.map((time) => files.write(record(time))));
    const [kept] = await files.readAll();
    assertEquals(kept.endedAt, 50);
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
    assertEquals(names, [`${ID}.json`]);
  }));

Deno.test("JobFiles.readAll() passes over torn files and strangers", () =>
  withDirectory(async (directory) => {
    const other = `gen_${crypto.randomUUID()}`;
    await Deno.writeTextFile(`${directory}/${ID}.json`, '{"id": "gen');
    await Deno.writeTextFile(
      `${directory}/${other}.json`,
      JSON.stringify(record(1)),
    );
    await Deno.writeTextFile(`${directory}/notes.json`, "{}");
    assertEquals(await new JobFiles(directory, true).readAll(), []);
  }));

Deno.test("JobFiles.remove() forgets a job, and does no harm twice", () =>
  withDirectory(async (directory) => {
    const files = new JobFiles(directory, true);
    await files.write(record());
    await files.remove(ID);
    await files.remove(ID);
    assertEquals(await files.readAll(), []);
  }));

Deno.test("JobFiles.write() keeps the words of the user only where it may", () =>
  withDirectory(async (directory) => {
    const done = {
      ...record(1),
      answer: { revised_prompt: "a secret garden", data: [] },
    };
    for (const keepWords of [true, false]) {
      await new JobFiles(directory, keepWords).write(done);
      const text = await Deno.readTextFile(`${directory}/${ID}.json`);
      assertEquals(text.includes("secret"), keepWords);
    }
  }));
