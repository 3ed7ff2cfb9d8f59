import { assertEquals, assertRejects } from "@std/assert";
import { ImageError } from "../../src/images/format.ts";
import { type Bytes, concat, encode, picture, probe } from "./samples.ts";

const START = [0xff, 0xd8];
const END = [0xff, 0xd9];
const TABLES = segment(0xdb, [0]);
const SCAN_HEADER = segment(0xda, [1, 1, 0, 0, 63, 0]);
const SCAN_DATA = [0x12, 0x34];
const SCAN = concat(SCAN_HEADER, SCAN_DATA);

Deno.test("probeImage() takes a progressive JPEG", async () => {
  const bytes = await encode(picture().jpeg({ progressive: true }));
  const { width, height } = await probe(bytes);
  assertEquals([width, height], [24, 16]);
});

for (const progressive of [false, true]) {
  const kind = progressive ? "progressive" : "baseline";
  Deno.test(`probeImage() refuses a ${kind} JPEG that ends at any earlier byte`, async () => {
    const bytes = await encode(picture().jpeg({ progressive }));
    for (let length = 0; length < bytes.length; length++) {
      await assertRejects(
        () => probe(bytes.slice(0, length)),
        ImageError,
        length < 3 ? "is " : "is truncated",
        `${length} of ${bytes.length} bytes`,
      );
    }
  });
}

Deno.test("probeImage() refuses a JPEG cut behind the whole thumbnail in its metadata", async () => {
  const thumbnail = await encode(picture({ width: 8, height: 8 }).jpeg());
  const metadata = segment(0xe1, [...concat("Exif\0\0"), ...thumbnail]);
  const bytes = jpeg(metadata, frame(), SCAN_HEADER, SCAN_DATA);
  assertEquals((await probe(concat(bytes, END))).width, 7);
  await assertRefused(
    bytes,
    "is truncated: the end-of-image marker is missing",
  );
});

Deno.test("probeImage() reads past escaped bytes, restarts and padding in JPEG data", async () => {
  const data = [0x01, 0xff, 0x00, 0x02, 0xff, 0xd0, 0x03, 0xff, 0xff, 0xd7, 4];
  const scan = [...data, 0xff, 0x00, 0xff];
  const bytes = jpeg(frame(), SCAN_HEADER, scan, END);
  assertEquals((await probe(bytes)).height, 5);
});

Deno.test("probeImage() finds a JPEG's end wherever the windows of reading meet", async () => {
  const fill = new Uint8Array(40_000).fill(0x55);
  for (let length = 32_700; length < 32_790; length++) {
    const data = concat(fill.subarray(0, length), [0xff, 0x00]);
    const bytes = jpeg(frame(), SCAN_HEADER, data, END);
    assertEquals((await probe(bytes)).width, 7);
    await assertRefused(bytes.slice(0, -1), "is truncated");
    await assertRefused(bytes.slice(0, -2), "is truncated");
  }
});

Deno.test("probeImage() takes padding before a JPEG marker, however long", async () => {
  const padding = new Array(20_000).fill(0xff);
  const bytes = jpeg(frame(), padding, SCAN_HEADER, SCAN_DATA, padding, END);
  assertEquals((await probe(bytes)).width, 7);
});

Deno.test("probeImage() reads every scan of a JPEG up to its real end", async () => {
  const tables = segment(0xc4, [0]);
  const bytes = jpeg(frame(0xc2), SCAN, tables, SCAN, END);
  assertEquals((await probe(bytes)).width, 7);
  await assertRefused(bytes.slice(0, -2), "is truncated");
});

Deno.test("probeImage() tolerates bytes after a JPEG's end", async () => {
  const bytes = jpeg(frame(), SCAN_HEADER, SCAN_DATA, END, START, [0xff]);
  assertEquals((await probe(bytes)).width, 7);
});

Deno.test("probeImage() refuses a JPEG without pixels", async () => {
  for (const size of [[0, 0, 0, 7], [0, 5, 0, 0]]) {
    await assertRefused(
      jpeg(frame(0xc0, size), SCAN, END),
      "cannot be decoded",
    );
  }
});

Deno.test("probeImage() refuses a JPEG bomb by its frame header", async () => {
  const size = [0xea, 0x60, 0xea, 0x60];
  await assertRefused(
    jpeg(frame(0xc0, size), SCAN, END),
    "declares 60000x60000 pixels, more than the 100000000 allowed",
  );
});

Deno.test("probeImage() refuses a JPEG without a picture", async () => {
  const message = "has no picture between its first and last marker";
  await assertRefused(jpeg(TABLES, END), message);
  await assertRefused(jpeg(frame(), END), message);
});

Deno.test("probeImage() refuses a JPEG whose scan has no frame header", async () => {
  await assertRefused(jpeg(SCAN, END), "cannot be decoded");
  for (const tables of [0xc4, 0xc8, 0xcc]) {
    await assertRefused(jpeg(frame(tables), SCAN, END), "cannot be decoded");
  }
});

Deno.test("probeImage() refuses a JPEG with two frame headers", async () => {
  await assertRefused(
    jpeg(frame(), SCAN, frame(), SCAN, END),
    "has two frame headers",
  );
});

Deno.test("probeImage() refuses a JPEG of more scans than a decoder should make", async () => {
  const scans = (count: number) => new Array(count).fill(SCAN);
  const few = jpeg(frame(0xc2), ...scans(100), END);
  assertEquals((await probe(few)).width, 7);
  const many = jpeg(frame(0xc2), ...scans(101), END);
  await assertRefused(many, "has more than 100 scans");
});

Deno.test("probeImage() refuses damaged JPEG segments", async () => {
  const cases: [Bytes, string][] = [
    [jpeg([0xff, 0xe0, 0, 1]), "has a damaged segment at byte 4"],
    [jpeg(TABLES, [0x00]), "has no marker at byte 7"],
    [jpeg(START), "has marker d8 where none of its kind belongs"],
    [jpeg([0xff, 0x02]), "has marker 2 where none of its kind belongs"],
    [jpeg(segment(0xc0, [8, 0]), SCAN, END), "cannot be decoded"],
  ];
  for (const [bytes, message] of cases) await assertRefused(bytes, message);
});

Deno.test("probeImage() refuses a JPEG of endless segments", async () => {
  const many = concat(...new Array(20_000).fill([0xff, 0xe0, 0, 2]));
  await assertRefused(
    jpeg(many, frame(), SCAN, END),
    "has more than 20000 segments",
  );
});

function jpeg(...parts: (Bytes | number[])[]): Bytes {
  return concat(START, ...parts);
}

function frame(marker = 0xc0, size = [0, 5, 0, 7]): Bytes {
  return segment(marker, [8, ...size, 1, 1, 0x11, 0]);
}

function segment(marker: number, data: number[]): Bytes {
  const length = data.length + 2;
  return concat([0xff, marker, length >> 8, length & 255], data);
}

async function assertRefused(bytes: Bytes, message: string): Promise<void> {
  await assertRejects(
    () => probe(bytes),
    ImageError,
    message,
  );
}
