/** Tag functions: `button({ type: "button", onClick }, "Cancel")` is checked whole, which markup in strings is not. */
import { type ComponentChildren, h, type JSX, type VNode } from "preact";

/** What `setTimeout` gives, if it was called. */
export type Timer = ReturnType<typeof setTimeout> | undefined;

/** What stands between two tags. */
export type Children = ComponentChildren;

/** What a component gives. */
export type View = ComponentChildren;

/** Notes on an element for those who find it later. */
interface DataAttributes {
  readonly "data-picture"?: string;
  readonly "data-run"?: string;
}

/** Makes one kind of element. */
export type Tag<Name extends keyof JSX.IntrinsicElements> = (
  props: JSX.IntrinsicElements[Name] & DataAttributes | null,
  ...children: Children[]
) => VNode;

export const a = tag("a");
export const aside = tag("aside");
export const button = tag("button");
export const code = tag("code");
export const dd = tag("dd");
export const details = tag("details");
export const dialog = tag("dialog");
export const div = tag("div");
export const dl = tag("dl");
export const dt = tag("dt");
export const fieldset = tag("fieldset");
export const form = tag("form");
export const h1 = tag("h1");
export const h2 = tag("h2");
export const h3 = tag("h3");
export const header = tag("header");
export const img = tag("img");
export const input = tag("input");
export const kbd = tag("kbd");
export const label = tag("label");
export const legend = tag("legend");
export const li = tag("li");
export const main = tag("main");
export const nav = tag("nav");
export const ol = tag("ol");
export const option = tag("option");
export const p = tag("p");
export const pre = tag("pre");
export const section = tag("section");
export const select = tag("select");
export const small = tag("small");
export const span = tag("span");
export const strong = tag("strong");
export const summary = tag("summary");
export const textarea = tag("textarea");
export const time = tag("time");
export const ul = tag("ul");

const ICONS = {
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  compare:
    "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5V7H9zM2.5 9H7v4.5H2.5zM9 9h4.5v4.5H9z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  download: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  left: "M10 3.5 5.5 8l4.5 4.5",
  pencil: "M3 13l.6-2.8 7-7 2.2 2.2-7 7z",
  picture: "M2.5 3h11v10h-11zM2.5 11l3.5-3.5 3 3 2-2 2.5 2.5M10.5 6h.01",
  plus: "M8 3v10M3 8h10",
  reuse: "M12.5 5.5A5 5 0 1 0 13 9M12.8 2.5v3.2H9.6",
  right: "M6 3.5 10.5 8 6 12.5",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9",
} as const;

/** Draws a small picture for a control that says in words what it does. */
export function icon(name: keyof typeof ICONS): VNode {
  return h(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    h("path", { d: ICONS[name] }),
  );
}

/** Puts the focus on an element as soon as it is there: another view comes frames later. */
export function focusOn(
  selector: string,
  options: FocusOptions = {},
  tries = 60,
): void {
  const found = document.querySelector<HTMLElement>(selector);
  if (found !== null) return found.focus(options);
  if (tries === 0) return;
  requestAnimationFrame(() => focusOn(selector, options, tries - 1));
}

/** Joins the names of classes that hold. */
export function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

function tag<Name extends keyof JSX.IntrinsicElements>(name: Name): Tag<Name> {
  return (props, ...children) =>
    h(name as string, props as Record<string, unknown> | null, ...children);
}
