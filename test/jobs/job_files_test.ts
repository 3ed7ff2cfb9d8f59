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

function text(differences: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...record(1), ...differences });
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
    const { records: [kept] } = await files.readAll();
    assertEquals(kept.endedAt, 50);
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
    assertEquals(names, [`${ID}.json`]);
  }));

Deno.test("JobFiles.readAll() passes over strangers", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/notes.json`, "{}");
    await Deno.mkdir(`${directory}/gen_1`);
    assertEquals(await new JobFiles(directory, true).readAll(), {
      records: [],
      unusable: [],
    });
  }));

const deep = "[".repeat(100_000) + "]".repeat(100_000);
const UNUSABLE: Readonly<Record<string, string>> = {
  "a torn file": '{"id": "gen',
  "another job": JSON.stringify({ ...record(1), id: "gen_1" }),
  "no object": "null",
  "a candidate that is none": text({ candidates: [null] }),
  "a time that is none": text({ createdAt: "yesterday" }),
  "a time beyond all dates": text({ createdAt: 1e300 }),
  "a status of its own": text({ status: "perhaps" }),
  "an answer too deep to be written": text({ answer: 0 }).replace(
    '"answer":0',
    `"answer":${deep}`,
  ),
};

for (const [name, contents] of Object.entries(UNUSABLE)) {
  Deno.test(`JobFiles.readAll() leaves ${name} alone, and names it`, () =>
    withDirectory(async (directory) => {
      await Deno.writeTextFile(`${directory}/${ID}.json`, contents);
      assertEquals(await new JobFiles(directory, true).readAll(), {
        records: [],
        unusable: [`${ID}.json`],
      });
      assertEquals(
        await Deno.readTextFile(`${directory}/${ID}.json`),
        contents,
      );
    }));
}

Deno.test("JobFiles.readAll() opens nothing but files of a length that records have", () =>
  withDirectory(async (directory) => {
    const [long, pipe, folder] = ["a", "b", "c"].map((digit) =>
      `gen_${digit.repeat(36)}.json`
    );
    await Deno.writeTextFile(`${directory}/${long}`, text({}));
    await Deno.truncate(`${directory}/${long}`, 700_000_000);
    await new Deno.Command("mkfifo", { args: [`${directory}/${pipe}`] })
      .output();
    await Deno.mkdir(`${directory}/${folder}`);
    const { unusable } = await new JobFiles(directory, true).readAll();
    assertEquals(unusable.toSorted(), [long, pipe, folder]);
  }));

Deno.test("JobFiles.remove() forgets a job, and does no harm twice", () =>
  withDirectory(async (directory) => {
    const files = new JobFiles(directory, true);
    await files.write(record());
    await files.remove(ID);
    await files.remove(ID);
    assertEquals((await files.readAll()).records, []);
  }));

Deno.test("JobFiles.write() keeps the words of the user only where it may", () =>
  withDirectory(async (directory) => {
    const done = {
      ...record(1),
      request: { ...record().request, prompt: "a secret door" },
      answer: { revised_prompt: "a secret garden", data: [] },
    };
    for (const keepWords of [true, false]) {
      await new JobFiles(directory, keepWords).write(done);
      const text = await Deno.readTextFile(`${directory}/${ID}.json`);
      assertEquals(text.includes("secret"), keepWords);
    }
  }));

Deno.test("JobFiles.readAll() drops words that were kept before", () =>
  withDirectory(async (directory) => {
    const request = { ...record().request, prompt: "a secret door" };
    await new JobFiles(directory, true).write({ ...record(1), request });
    const { records } = await new JobFiles(directory, false).readAll();
    assertEquals(records, [record(1)]);
  }));
