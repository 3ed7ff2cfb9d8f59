import fc from "fast-check";

const odd = fc.oneof(
  fc.jsonValue(),
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.constant(null),
);

/** A body for `POST /v1/images/generate` with the right names, and values that are seldom right. */
export const generateBody: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .record({
    prompt: fc.oneof(fc.string({ unit: "binary" }), odd),
    count: fc.oneof(fc.integer({ min: -1, max: 6 }), odd),
    n: fc.oneof(fc.integer({ min: -1, max: 6 }), odd),
    size: fc.oneof(fc.constantFrom("auto", "4K", "1536x864"), odd),
    aspect: fc.oneof(fc.constantFrom("16:9", "square", "canvas"), odd),
    canvas_size: fc.oneof(fc.record({ width: odd, height: odd }), odd),
    quality: fc.oneof(fc.constantFrom("high", "自动"), odd),
    output_format: fc.oneof(fc.constantFrom("png", "webp", "jpg"), odd),
    output_compression: fc.oneof(fc.integer({ min: -5, max: 105 }), odd),
    background: fc.oneof(fc.constantFrom("auto", "transparent"), odd),
    fit: fc.oneof(fc.constantFrom("cover", "none"), odd),
    references: fc.oneof(
      fc.array(fc.record({ image: odd, label: odd }), { maxLength: 3 }),
      odd,
    ),
    return: odd,
    model: odd,
    fail_fast: fc.oneof(fc.boolean(), odd),
    [" "]: odd,
    ["__proto__"]: odd,
  }, { requiredKeys: [] });

/** How to damage bytes: what to put where, in the place of how many. */
const damage = fc.record({
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  drop: fc.integer({ min: 0, max: 40 }),
  insert: fc.uint8Array({ maxLength: 8 }),
});

/** Bytes that are a good sample but for a few damaged places. */
export function damaged(
  samples: readonly Uint8Array<ArrayBuffer>[],
): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.tuple(
    fc.constantFrom(...samples),
    fc.array(damage, { minLength: 1, maxLength: 4 }),
  ).map(([sample, damages]) =>
    damages.reduce((bytes, { place, drop, insert }) => {
      const start = Math.floor(place * bytes.length);
      const rest = bytes.subarray(start + drop);
      const all = new Uint8Array(start + insert.length + rest.length);
      all.set(bytes.subarray(0, start));
      all.set(insert, start);
      all.set(rest, start + insert.length);
      return all;
    }, sample)
  );
}
