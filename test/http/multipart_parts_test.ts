import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../src/errors.ts";
import { readParts } from "../../src/http/multipart_parts.ts";
import { EarlyEnd } from "../../src/http/multipart_reader.ts";
import {
  BOUNDARY,
  type Bytes,
  concat,
  file,
  form,
  part,
  pieces,
  text,
} from "./_multipart.ts";

type Part = readonly [name: string, fileName: string | undefined, hex: string];

const DISPOSITION = 'Content-Disposition: form-data; name="a"';

/** Content in which much of a boundary stands. */
const ALMOST = concat(
  "\r\n--",
  BOUNDARY.slice(0, -1),
  "\r\n\r\n-",
  `--${BOUNDARY}`,
  `\n--${BOUNDARY}--\r`,
  new Uint8Array([0, 255, 13, 13, 10, 45, 45, 13]),
);

const HEADERS: readonly (readonly [
  headers: string | readonly string[],
  name: string,
  fileName?: string,
])[] = [
  [DISPOSITION, "a"],
  ["content-disposition:form-data;name=a", "a"],
  ["CONTENT-DISPOSITION : Form-Data ; NAME=a", "a"],
  ["Content-Disposition: form-data; name=a; filename=x.png", "a", "x.png"],
  ['Content-Disposition: form-data; filename="x"; name="a"', "a", "x"],
  [["Content-Type: image/png", `${DISPOSITION}; filename="x"`], "a", "x"],
  [["Content-Length: 5", DISPOSITION, "Content-Type: text/plain"], "a"],
  [`${DISPOSITION}; filename=""`, "a", ""],
  [`${DISPOSITION}; filename="blob"`, "a", "blob"],
  [`${DISPOSITION}; filename="图层 1; 2.png"`, "a", "图层 1; 2.png"],
  [`${DISPOSITION}; filename="a \\"b\\".png"`, "a", 'a "b".png'],
  [`${DISPOSITION}; filename="C:\\dir\\x.png"`, "a", "C:\\dir\\x.png"],
  [`${DISPOSITION}; filename*=UTF-8''%E5%9B%BE.png`, "a", "图.png"],
  [`${DISPOSITION}; filename="x"; filename*=utf-8'en'%E5%9B%BE`, "a", "图"],
  [["Content-Disposition: form-data;", ' name="a"'], "a"],
  ['Content-Disposition: form-data; name="image[]"', "image[]"],
  ['Content-Disposition: form-data; name="提示"', "提示"],
  [`${DISPOSITION}; filename=my pic.png`, "a", "my pic.png"],
  ["Content-Disposition: form-data; name=a; filename=图.png", "a", "图.png"],
  [`${DISPOSITION}; filename="x"; filename*=UTF-8''%zz`, "a", "x"],
  [`${DISPOSITION}; filename*=UTF-8''%zz`, "a", "blob"],
];

/** What is wrong with a part, the part, and whether the message shows what is expected. */
const MALFORMED: readonly (readonly [string, Bytes, boolean])[] = [
  ["it has no Content-Disposition", part("Content-Type: text/plain"), true],
  ["it has no Content-Disposition", part([]), true],
  [
    "it has more than one Content-Disposition",
    part([DISPOSITION, DISPOSITION]),
    true,
  ],
  ...[
    "form-data",
    'form-data; name=""',
    'form-data; filename="x"',
    'attachment; name="a"',
    'form-data; name="a',
    'form-data; name="a"; name="b"',
    "form-data; name=a; name=b; filename=my pic.png",
    "attachment; name=a; filename=my pic.png",
    "form-data; filename=my pic.png",
    'form-data; name="prompt"; foo',
    "form-data; name=a b; filename=x.png",
  ].map((value): [string, Bytes, boolean] => [
    `its Content-Disposition is ${JSON.stringify(value)}`,
    part(`Content-Disposition: ${value}`),
    true,
  ]),
  ["its headers are malformed", part([DISPOSITION, "no colon"]), false],
  [
    "its headers are malformed",
    concat(`--${BOUNDARY}x\r\n${DISPOSITION}\r\n\r\nx\r\n`),
    false,
  ],
  [
    "its headers are malformed",
    concat(`--${BOUNDARY}\r\n${DISPOSITION}\r\n`, text("b", "x")),
    false,
  ],
  [
    "its headers exceed 16384 bytes",
    part([DISPOSITION, `X: ${"x".repeat(20_000)}`]),
    false,
  ],
];

for (const [headers, name, fileName] of HEADERS) {
  Deno.test(`readParts() reads ${JSON.stringify(headers)}`, async () => {
    const body = form(part(headers, "x"));
    assertEquals(await parts(body), [[name, fileName, "78"]]);
  });
}

Deno.test("readParts() gives the same parts wherever the chunks are cut", async () => {
  const body = concat(
    "preamble\r\n",
    form(text("a", "x"), file("b", "图.png", ALMOST), text("c", "")),
    "epilogue",
  );
  const expected: Part[] = [
    ["a", undefined, "78"],
    ["b", "图.png", ALMOST.toHex()],
    ["c", undefined, ""],
  ];
  for (let length = 1; length <= body.length; length++) {
    assertEquals(await parts(body, length), expected);
  }
});

Deno.test("readParts() gives nothing of a form without parts", async () => {
  assertEquals(await parts(form()), []);
});

Deno.test("readParts() gives content before all of it has come", async () => {
  const halves = ["a".repeat(100), "b".repeat(100)];
  const { promise: received, resolve: receive } = Promise.withResolvers<void>();
  const stream = new ReadableStream<Bytes>({
    async start(controller) {
      const head = file("a", "x", "").slice(0, -2);
      controller.enqueue(concat(head, halves[0]));
      await received;
      controller.enqueue(concat(halves[1], `\r\n--${BOUNDARY}--`));
      controller.close();
    },
  });
  let content = "";
  for await (const part of readParts(stream.values(), BOUNDARY)) {
    for await (const chunk of part.content) {
      content += new TextDecoder().decode(chunk);
      receive();
    }
  }
  assertEquals(content, halves.join(""));
});

Deno.test("readParts() refuses a body without the boundary", async () => {
  for (const body of ["", "hello", "--other\r\n\r\n--other--", "----for"]) {
    const failure = await fail(concat(body));
    assertEquals(failure.code, "unsupported_media_type");
    assertEquals(
      failure.message,
      'Cannot read the body as multipart/form-data: no part begins with the boundary "----form" of its Content-Type',
    );
  }
});

for (const [state, bad, isExplained] of MALFORMED) {
  const shown = new TextDecoder().decode(bad.slice(0, 100));
  Deno.test(`readParts() says of ${JSON.stringify(shown)} that ${state}`, async () => {
    const failure = await fail(form(text("first", "x"), bad));
    const expected = isExplained
      ? `, expected one such as Content-Disposition: form-data; name="prompt"`
      : "";
    assertEquals(failure.code, "unknown_parameter");
    assertEquals(
      failure.message,
      `Cannot read part 2 of the form: ${state}${expected}`,
    );
  });
}

Deno.test("readParts() refuses a body that ends before or in the headers of a part", async () => {
  const first = text("a", "x");
  const body = concat(first, text("b", "x"));
  const start = first.length + `--${BOUNDARY}`.length;
  const end = body.length - "\r\nx\r\n".length;
  for (let length = start; length < end; length++) {
    const failure = await fail(body.slice(0, length));
    assertEquals(failure.code, "unknown_parameter");
    assertEquals(
      failure.message,
      "Cannot read part 2 of the form: the body ends too early, expected its headers or the closing boundary",
    );
  }
});

Deno.test("readParts() tells the reader of a part that the body ends in its content", async () => {
  const body = form(text("a", "content"));
  const start = body.length - `content\r\n--${BOUNDARY}--\r\n`.length;
  const end = body.length - "--\r\n".length;
  for (let length = start; length < end; length++) {
    await assertRejects(() => parts(body.slice(0, length)), EarlyEnd);
  }
});

Deno.test("readParts() needs no line end behind the closing boundary", async () => {
  const body = form(text("a", "x"));
  for (const length of [body.length - 1, body.length - 2]) {
    assertEquals(await parts(body.slice(0, length)), [["a", undefined, "78"]]);
  }
});

function fail(body: Bytes): Promise<ApiError> {
  return assertRejects(() => parts(body), ApiError);
}

async function parts(body: Bytes, length = body.length): Promise<Part[]> {
  const read: Part[] = [];
  const chunks = pieces(body, Math.max(1, length)).values();
  for await (const part of readParts(chunks, BOUNDARY)) {
    const content = concat(...await Array.fromAsync(part.content));
    read.push([part.name, part.fileName, content.toHex()]);
  }
  return read;
}
