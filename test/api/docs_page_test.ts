import { assertEquals } from "@std/assert";
import { markup, prose } from "../../src/api/docs_page.ts";

Deno.test("markup() escapes values, and leaves markup as it is", () => {
  const inner = markup`<b>${"<\"&'>"}</b>`;
  assertEquals(
    markup`<p>${inner}${[inner]}${2}</p>`.text,
    `<p>${inner.text}${inner.text}2</p>`,
  );
  assertEquals(inner.text, "<b>&lt;&quot;&amp;&#39;&gt;</b>");
});

Deno.test("prose() marks code and escapes all", () => {
  assertEquals(
    prose("take `a<b`, <i>").text,
    "take <code>a&lt;b</code>, &lt;i&gt;",
  );
});
