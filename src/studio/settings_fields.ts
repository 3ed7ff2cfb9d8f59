/** The fields of the form that are chosen and not written. */
import { useSignal } from "@preact/signals";
import { h } from "preact";
import {
  type Children,
  details,
  div,
  fieldset,
  input,
  label,
  legend,
  option,
  p,
  select,
  span,
  summary,
  type View,
} from "./dom.ts";
import { choose, references, type Settings, settings } from "./draft.ts";
import { capabilities } from "./server.ts";
import { exactProblem, ratioOf, ratiosOf } from "./sizes.ts";

const SHAPE_EDGE = 18;
const SIZES = ["auto", "1K", "2K", "4K"];
const SIZE_HINTS: Readonly<Record<string, string>> = {
  auto: "As Codex draws it, about 1.5 megapixels.",
  "1K": "Longest edge up to 1024.",
  "2K": "Longest edge up to 2048, scaled up where Codex drew fewer.",
  "4K": "Longest edge up to 3840, scaled up where Codex drew fewer.",
  reference: "The pixels of the first reference.",
};

/** One of several things to choose. */
interface Choice {
  readonly value: string;
  readonly label: Children;
  readonly disabled?: boolean;
  /** What it is called where its label is a picture. */
  readonly name?: string;
}

/** How many pictures. */
export function CountField(): View {
  const { max_images } = capabilities.value;
  const counts = Array.from({ length: max_images }, (_, i) => `${i + 1}`);
  return choices({
    title: "Candidates",
    name: "count",
    value: `${settings.value.count}`,
    options: counts.map((value) => ({ value, label: value })),
    onChoose: (value) => choose({ count: Number(value) }),
  });
}

/** Which shape. */
export function ShapeField(): View {
  const { ratio, shape, size } = settings.value;
  const isIgnored = size === "exact" || size === "reference";
  const ratios = ratiosOf(capabilities.value.ratio_options);
  const known = ["auto", "reference", "custom", ...ratios];
  return choices(
    {
      title: "Shape",
      name: "shape",
      className: "shapes",
      value: known.includes(shape) ? shape : "custom",
      disabled: isIgnored,
      options: [
        { value: "auto", label: "Auto" },
        ...ratios.map((value) => ({
          value,
          name: value.replace(":", " to "),
          label: [shapeIcon(value), span({ "aria-hidden": "true" }, value)],
        })),
        {
          value: "reference",
          label: "As reference",
          disabled: references.value.length === 0,
        },
        { value: "custom", label: "Custom" },
      ],
      onChoose: (value) => choose({ shape: value }),
    },
    isIgnored && hint("The size decides the shape."),
    shape === "custom" && !isIgnored && div(
      { class: "inline" },
      label({ for: "ratio" }, "Width : height"),
      input({
        id: "ratio",
        class: "short",
        value: ratio,
        "aria-invalid": ratioOf(ratio) === undefined,
        onInput: ({ currentTarget }) => choose({ ratio: currentTarget.value }),
      }),
      ratioOf(ratio) === undefined && hint("Such as 2.35:1", true),
    ),
  );
}

/** Which size. */
export function SizeField(): View {
  const { size } = settings.value;
  const hasReference = references.value.length > 0 || size === "reference";
  return choices(
    {
      title: "Size",
      name: "size",
      value: size,
      options: [
        ...SIZES.map((value) => ({ value, label: capital(value) })),
        { value: "exact", label: "Exact" },
        ...(hasReference
          ? [{ value: "reference", label: "As reference" }]
          : []),
      ],
      onChoose: (value) => choose({ size: value }),
    },
    size === "exact" ? h(ExactSize, null) : hint(SIZE_HINTS[size]),
  );
}

/** What few people change, made when it is opened. */
export function MoreFields(): View {
  const isOpen = useSignal(false);
  return details(
    {
      class: "more",
      onToggle: ({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      },
    },
    summary(null, "More"),
    isOpen.value && h(More, null),
  );
}

function More(): View {
  const { background, compression, fit, format, quality } = settings.value;
  const { output_formats, qualities } = capabilities.value;
  return [
    chooser("quality", {
      title: "Quality",
      value: quality,
      options: qualities.map((value) => [value, capital(value)]),
      note: "Words in the prompt only: Codex has no such control.",
    }),
    chooser("format", {
      title: "Format",
      value: format,
      options: output_formats.map((value) => [value, value.toUpperCase()]),
    }),
    format !== "png" && div(
      { class: "field" },
      label({ for: "compression" }, `Compression: ${compression}`),
      input({
        id: "compression",
        type: "range",
        min: 0,
        max: 100,
        value: compression,
        onInput: ({ currentTarget }) =>
          choose({ compression: Number(currentTarget.value) }),
      }),
      hint("100 keeps the most."),
    ),
    chooser("background", {
      title: "Background",
      value: background,
      options: [
        ["auto", "Auto"],
        ["opaque", "Opaque"],
        ["transparent", "Transparent"],
      ],
      note: background === "transparent" && format === "jpeg"
        ? "JPEG cannot be transparent: choose PNG or WebP."
        : undefined,
    }),
    chooser("fit", {
      title: "Fit",
      value: fit,
      options: [
        ["", "What suits the size"],
        ["cover", "Scale and crop"],
        ["contain", "Scale and pad"],
        ["none", "Leave as drawn"],
      ],
    }),
  ];
}

function ExactSize(): View {
  const { height, width } = settings.value;
  const limits = capabilities.value.output_size_constraints;
  const wrong = exactProblem([width, height], limits);
  const edge = (name: "width" | "height", value: number) =>
    input({
      class: "short",
      type: "number",
      min: limits?.min_edge,
      max: limits?.max_edge,
      value,
      "aria-label": capital(name),
      "aria-invalid": wrong !== undefined,
      "aria-describedby": "size-rule",
      onInput: ({ currentTarget }) =>
        choose({ [name]: Math.round(currentTarget.valueAsNumber) || 0 }),
    });
  return div(
    null,
    div({ class: "inline" }, edge("width", width), "×", edge("height", height)),
    p(
      { id: "size-rule", class: wrong === undefined ? "hint" : "hint wrong" },
      wrong ?? "Drawn in this shape, then brought to exactly these pixels.",
    ),
  );
}

function choices(
  { className, disabled = false, name, onChoose, options, title, value }: {
    readonly title: string;
    readonly name: string;
    readonly value: string;
    readonly options: readonly Choice[];
    readonly onChoose: (value: string) => void;
    readonly className?: string;
    readonly disabled?: boolean;
  },
  ...rest: Children[]
): View {
  const shown = options.map((one) =>
    label(
      { key: one.value, class: "choice" },
      input({
        type: "radio",
        name,
        value: one.value,
        checked: one.value === value,
        disabled: disabled || one.disabled === true,
        "aria-label": one.name,
        onChange: () => onChoose(one.value),
      }),
      span(null, one.label),
    )
  );
  return fieldset(
    { class: "field" },
    legend(null, title),
    div({ class: className ?? "choices" }, shown),
    rest,
  );
}

function chooser(
  field: keyof Settings,
  { note, options, title, value }: {
    readonly title: string;
    readonly value: string;
    readonly options: readonly (readonly [value: string, label: string])[];
    readonly note?: string;
  },
): View {
  return div(
    { class: "field" },
    label({ for: field }, title),
    select(
      {
        id: field,
        value,
        onChange: ({ currentTarget }) =>
          choose({ [field]: currentTarget.value }),
      },
      options.map(([one, words]) => option({ key: one, value: one }, words)),
    ),
    note !== undefined && hint(note),
  );
}

function shapeIcon(ratio: string): View {
  const wide = ratioOf(ratio) ?? 1;
  return span({
    class: "shape",
    style: {
      width: `${SHAPE_EDGE * Math.min(1, wide)}px`,
      height: `${SHAPE_EDGE / Math.max(1, wide)}px`,
    },
  });
}

function hint(text: string, isWrong = false): View {
  return p({ class: isWrong ? "hint wrong" : "hint" }, text);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
