import { assertEquals } from "@std/assert";
import { writeExposition } from "../../src/observability/metrics.ts";

Deno.test("writeExposition() writes a family with its help, its type and its samples", () => {
  const text = writeExposition([{
    name: "jobs_total",
    help: "Jobs that ended.",
    type: "counter",
    samples: [
      { labels: { status: "completed", code: "" }, value: 3 },
      { suffix: "_sum", value: 0.25 },
    ],
  }]);
  assertEquals(
    text,
    [
      "# HELP jobs_total Jobs that ended.\n",
      "# TYPE jobs_total counter\n",
      'jobs_total{status="completed",code=""} 3\n',
      "jobs_total_sum 0.25\n",
    ].join(""),
  );
});

Deno.test("writeExposition() escapes backslashes and line ends, and quotes in labels alone", () => {
  const text = writeExposition([{
    name: "a",
    help: 'one\ntwo \\ "three"',
    type: "gauge",
    samples: [{ labels: { path: 'C:\\x\n"y"' }, value: 1 }],
  }]);
  assertEquals(text.split("\n"), [
    '# HELP a one\\ntwo \\\\ "three"',
    "# TYPE a gauge",
    'a{path="C:\\\\x\\n\\"y\\""} 1',
    "",
  ]);
});

Deno.test("writeExposition() writes what is no finite number as Prometheus names it", () => {
  const values = [Infinity, -Infinity, NaN, 1e21];
  const samples = values.map((value) => ({ value }));
  const text = writeExposition([{
    name: "a",
    help: "",
    type: "gauge",
    samples,
  }]);
  const written = text.split("\n").slice(2, -1);
  assertEquals(written, ["a +Inf", "a -Inf", "a NaN", "a 1e+21"]);
});
