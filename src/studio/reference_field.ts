/** The references of the form: dropped, pasted or chosen, shown small, named and put in order. */
import { useEffect, useRef } from "preact/hooks";
import {
  button,
  classes,
  div,
  icon,
  img,
  input,
  label,
  li,
  ol,
  small,
  span,
  type View,
} from "./dom.ts";
import { type Reference, references } from "./draft.ts";
import { DRAGGED, picture } from "./picture.ts";
import {
  addFiles,
  addFromLibrary,
  labelReference,
  moveReference,
  removeReference,
  showReference,
  thumbnails,
} from "./references.ts";
import { capabilities } from "./server.ts";
import { h } from "preact";

/** Shows the references, and where more come from. */
export function ReferenceField(): View {
  const { formats, max_images } = capabilities.value.references;
  const chooser = useRef<HTMLInputElement>(null);
  const list = references.value;
  return div(
    { class: "field", role: "group", "aria-labelledby": "references-title" },
    span({ id: "references-title", class: "title" }, "References"),
    list.length > 0 && ol(
      { class: "references" },
      list.map((reference, index) =>
        h(ReferenceItem, { key: reference.key, reference, index })
      ),
    ),
    button(
      {
        type: "button",
        class: "drop",
        disabled: list.length >= max_images,
        onClick: () => chooser.current?.click(),
      },
      icon("plus"),
      list.length >= max_images
        ? `${max_images} is the most`
        : "Choose, drop or paste pictures",
    ),
    label(
      { class: "unseen" },
      "Choose reference pictures",
      input({
        ref: chooser,
        type: "file",
        multiple: true,
        accept: formats.join(","),
        tabIndex: -1,
        onChange: ({ currentTarget }) => {
          void addFiles([...currentTarget.files ?? []]);
          currentTarget.value = "";
        },
      }),
    ),
  );
}

/** Takes what is dropped and pasted anywhere on the page. */
export function listenForFiles(onAdded: () => void): void {
  const holdsPictures = ({ dataTransfer }: DragEvent) =>
    dataTransfer?.types.some((type) => type === "Files" || type === DRAGGED) ??
      false;
  addEventListener("dragover", (event) => {
    if (!holdsPictures(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  const done = () => document.body.classList.remove("dropping");
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) done();
  });
  addEventListener("drop", (event) => {
    done();
    if (!holdsPictures(event)) return;
    event.preventDefault();
    const id = event.dataTransfer?.getData(DRAGGED) ?? "";
    if (id === "") void addFiles([...event.dataTransfer?.files ?? []]);
    else void addFromLibrary(id);
    onAdded();
  });
  addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length === 0) return;
    event.preventDefault();
    void addFiles(files);
    onAdded();
  });
}

function ReferenceItem(
  { index, reference }: {
    readonly index: number;
    readonly reference: Reference;
  },
): View {
  const { imageId, key, label: name } = reference;
  const { max_originals } = capabilities.value.references;
  const isLast = index === references.value.length - 1;
  useEffect(() => {
    if (imageId === undefined) void showReference(key);
  }, [key]);
  return li(
    { class: classes("reference", index >= max_originals && "late") },
    imageId === undefined
      ? img({ src: thumbnails.value[key], alt: "" })
      : picture({ id: imageId, variant: "thumbnail", alt: "" }),
    div(
      null,
      input({
        class: "name",
        value: name,
        maxLength: 200,
        "aria-label": `Label of reference ${index + 1}`,
        onInput: ({ currentTarget }) =>
          labelReference(key, currentTarget.value),
      }),
      index >= max_originals && small(null, "not sent as original"),
    ),
    tool(
      "left",
      `Move ${name} forward`,
      index === 0,
      () => moveReference(key, -1),
    ),
    tool("right", `Move ${name} back`, isLast, () => moveReference(key, 1)),
    tool("close", `Remove ${name}`, false, () => removeReference(key)),
  );
}

function tool(
  name: Parameters<typeof icon>[0],
  title: string,
  disabled: boolean,
  onClick: () => void,
): View {
  return button(
    {
      type: "button",
      class: "tool",
      title,
      "aria-label": title,
      disabled,
      onClick,
    },
    icon(name),
  );
}
