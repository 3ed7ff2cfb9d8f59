/** All that is known of the picture that is looked at, and what can be done with it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
  download,
  factsOf,
  remove,
  reusePicture,
  useAsReference,
} from "./actions.ts";
import { ApiError, wordsOf } from "./api.ts";
import { copyPicture, copyText } from "./clipboard.ts";
import { closeLook, type Look } from "./closeup.ts";
import type { StoredImage, UsedReference } from "./contract.ts";
import {
  aside,
  button,
  type Children,
  classes,
  dd,
  div,
  dl,
  dt,
  h3,
  icon,
  li,
  p,
  ul,
  type View,
} from "./dom.ts";
import { bytesOf, clockOf, sizeOf, whenOf } from "./format.ts";
import { draftOf } from "./records.ts";
import { warningsOf } from "./runs.ts";

/** Shows it. */
export function Details({ look }: { readonly look: Look }): View {
  const { id } = look;
  const image = useSignal<StoredImage | undefined>(undefined);
  const problem = useSignal("");
  useEffect(() => {
    let isCurrent = true;
    problem.value = "";
    factsOf(id).then(
      (facts) => isCurrent && (image.value = facts),
      (error) => isCurrent && (problem.value = problemOf(error)),
    );
    return () => isCurrent = false;
  }, [id]);
  const known = image.value?.id === id ? image.value : undefined;
  return aside(
    { class: "details", "aria-label": "About the picture" },
    div(
      { class: "buttons grid" },
      action("picture", "As reference", "E", () => void useAsReference(id)),
      action("reuse", "Reuse all", "R", () => {
        closeLook();
        void reusePicture(id);
      }),
      action("download", "Download", "D", () => void download(id)),
      action("download", "Original", "", () => void download(id, "original")),
      action("copy", "Copy picture", "", () => void copyPicture(id)),
      action(
        "copy",
        "Copy path",
        "",
        () => known && void copyText(known.path, "path"),
      ),
      action("trash", "Delete", "Del", () => remove(id), "danger"),
    ),
    problem.value !== "" &&
      p({ class: "problem", role: "alert" }, problem.value),
    known !== undefined && facts(known),
  );
}

function problemOf(error: unknown): string {
  return error instanceof ApiError && error.status === 404
    ? "This picture is no longer on the server"
    : wordsOf(error);
}

function facts(image: StoredImage): Children {
  const prompt = image.prompt ?? draftOf(image.generation_id)?.prompt;
  const warnings = warningsOf(image.generation_id, image.id);
  return [
    prompt && [h3(null, "Prompt"), p({ class: "words" }, prompt)],
    warnings.map((warning) => p({ class: "warning" }, warning)),
    h3(null, "Picture"),
    dl(
      { class: "facts" },
      row(
        "Asked for",
        sizeOf(image.request?.output_size ?? image.requested_size),
      ),
      row("Codex drew", sizeOf(image.native_size)),
      row(
        "Delivered",
        `${sizeOf(image.resolved_size)}`,
      ),
      row(
        "File",
        `${image.mime_type.replace("image/", "").toUpperCase()}, ${
          bytesOf(image.bytes)
        }`,
      ),
      image.resize &&
        row(
          "Made by",
          `${image.resize.fit}, scaled × ${image.resize.scale.toFixed(2)}`,
        ),
      row("Quality", image.quality),
      row(
        "Made",
        `${whenOf(new Date(image.created_at))}, in ${
          clockOf(image.duration_ms)
        }`,
      ),
    ),
    image.references.length > 0 && [
      h3(null, "References"),
      ul(
        { class: "used" },
        image.references.map((one) => li({ key: one.sha256 }, describe(one))),
      ),
    ],
    image.revised_prompt && [
      h3(null, "The prompt that the image model got"),
      p({ class: "words" }, image.revised_prompt),
    ],
  ];
}

function describe({ delivered, height, label, width }: UsedReference): string {
  const became = delivered === "original"
    ? "sent as original"
    : "seen by the chat model only";
  return `${label || "Reference"}, ${width} × ${height}: ${became}`;
}

function row(name: string, value: string): Children {
  return [dt(null, name), dd(null, value)];
}

function action(
  picture: Parameters<typeof icon>[0],
  title: string,
  shortcut: string,
  onClick: () => void,
  className?: string,
): View {
  return button(
    {
      type: "button",
      class: classes("small", className),
      title: shortcut === "" ? title : `${title} (${shortcut})`,
      onClick,
    },
    icon(picture),
    title,
  );
}
