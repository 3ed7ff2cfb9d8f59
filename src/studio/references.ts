/** References: checked before they are sent, kept by the browser, shown small. */
import { signal } from "@preact/signals";
import { get, imagePath, send, wordsOf } from "./api.ts";
import type { StoredImage } from "./contract.ts";
import { problem, type Reference, references } from "./draft.ts";
import { bytesOf, countOf, shorten } from "./format.ts";
import { capabilities } from "./server.ts";
import { findPicture, keepPicture } from "./storage.ts";
import { toast } from "./toast.ts";

const THUMBNAIL = 160;

/** The first bytes of the formats that the server takes. */
const MAGIC: readonly (readonly [type: string, bytes: RegExp])[] = [
  ["image/png", /^\x89PNG/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/webp", /^RIFF....WEBP/s],
];

/** Addresses of small pictures, by the keys of references. */
export const thumbnails = signal<Readonly<Record<string, string>>>({});

/** Adds files, and says which cannot be used and why. */
export async function addFiles(files: readonly File[]): Promise<void> {
  const refused: string[] = [];
  let left = limits().max_images - references.value.length;
  for (const file of files) {
    if (left <= 0) {
      const extra = files.length - files.indexOf(file);
      refused.push(
        `At most ${limits().max_images} references: ${
          countOf(extra, "picture")
        } left out`,
      );
      break;
    }
    try {
      if (await add(file, file.name)) left--;
    } catch (error) {
      refused.push(wordsOf(error));
    }
  }
  problem.value = refused.join(". ");
}

/** Adds a picture of the library, which the server has already. */
export async function addFromLibrary(id: string): Promise<void> {
  try {
    const { bytes, native_size, prompt } = await get<StoredImage>(
      `v1/images/${id}`,
    );
    const [width, height] = native_size.split("x").map(Number);
    const label = shorten(prompt ?? "", 60) || "Picture of the library";
    const type = "image/png";
    const isNew = append({
      key: id,
      label,
      type,
      bytes,
      width,
      height,
      imageId: id,
    });
    if (!isNew) return;
    toast("Added as a reference", {
      label: "Undo",
      act: () => removeReference(id),
    });
  } catch (error) {
    // The form may be out of sight.
    toast(wordsOf(error));
  }
}

/** Takes a reference out. */
export function removeReference(key: string): void {
  references.value = references.value.filter((one) => one.key !== key);
}

/** Moves a reference one place to the front or to the back. */
export function moveReference(key: string, by: -1 | 1): void {
  const list = [...references.value];
  const from = list.findIndex((one) => one.key === key);
  const [moved] = list.splice(from, 1);
  list.splice(from + by, 0, moved);
  references.value = list;
}

/** Gives a reference another label. */
export function labelReference(key: string, label: string): void {
  references.value = references.value.map((one) =>
    one.key === key ? { ...one, label } : one
  );
}

/** Makes the small picture of a reference that was kept; takes the reference out where its file is gone. */
export async function showReference(key: string): Promise<void> {
  if (thumbnails.value[key] !== undefined) return;
  const blob = await findPicture(key);
  if (blob === undefined) {
    removeReference(key);
    problem.value =
      "A reference is no longer kept by the browser: add it again";
    return;
  }
  using bitmap = await decode(blob);
  await keepThumbnail(key, bitmap.value);
}

/** Splits references into those that the server finds by their ids, and those that are sent as files. */
export function splitReferences(used: readonly Reference[]): {
  readonly named: readonly { readonly id: string; readonly label: string }[];
  readonly sent: readonly Reference[];
} {
  const named = [];
  for (const { imageId, label } of used) {
    // The server puts files behind all that has an id.
    if (imageId === undefined) break;
    named.push({ id: imageId, label });
  }
  return { named, sent: used.slice(named.length) };
}

/** Adds references to a form that is sent. */
export async function appendReferences(
  form: FormData,
  used: readonly Reference[],
): Promise<void> {
  const { named, sent } = splitReferences(used);
  if (named.length > 0) form.append("references", JSON.stringify(named));
  for (const file of await Promise.all(sent.map(fileOf))) {
    form.append("reference", file);
  }
}

/** Names a reference as a file, which is what the server takes for its label. */
export function fileName(label: string, type: string): string {
  const ending = type.replace("image/", ".");
  const name = label.trim().replace(/\.(?:png|jpe?g|webp)$/i, "");
  return `${name || "reference"}${ending}`;
}

async function fileOf(
  { imageId, key, label, type }: Reference,
): Promise<File> {
  const blob = imageId === undefined
    ? await findPicture(key)
    : await (await send(imagePath(imageId, "original"))).blob();
  if (blob === undefined) {
    throw new Error(`The picture of "${label}" is gone: add it again`);
  }
  return new File([blob], fileName(label, type), { type: blob.type || type });
}

async function add(blob: Blob, label: string): Promise<boolean> {
  const { max_bytes, max_pixels } = limits();
  const type = await typeOf(blob);
  if (type === undefined) {
    throw new Error(`"${label}" is no PNG, JPEG or WebP picture`);
  }
  if (blob.size > max_bytes) {
    throw new Error(
      `"${label}" has ${bytesOf(blob.size)}: at most ${bytesOf(max_bytes)}`,
    );
  }
  const key = await digestOf(blob);
  using bitmap = await decode(blob).catch(() => {
    throw new Error(`"${label}" cannot be read as a picture`);
  });
  const { height, width } = bitmap.value;
  if (width * height > max_pixels) {
    throw new Error(
      `"${label}" has ${width} × ${height} pixels: at most ${
        max_pixels / 1_000_000
      } megapixels`,
    );
  }
  await keepThumbnail(key, bitmap.value);
  if (!await keepPicture(key, blob)) {
    toast("The browser does not keep references: they last until you reload");
  }
  return append({ key, label, type, bytes: blob.size, width, height });
}

/** Adds a reference, unless it is there; says so where there is no room for it. */
function append(reference: Reference): boolean {
  const { max_images } = limits();
  const list = references.value;
  if (list.some(({ key }) => key === reference.key)) {
    toast(`"${reference.label}" is there already`);
    return false;
  }
  if (list.length >= max_images) {
    throw new Error(`At most ${max_images} references`);
  }
  references.value = [...list, reference];
  return true;
}

function limits() {
  return capabilities.value.references;
}

async function typeOf(blob: Blob): Promise<string | undefined> {
  const head = new Uint8Array(await blob.slice(0, 16).arrayBuffer());
  const text = String.fromCharCode(...head);
  return MAGIC.find(([, bytes]) => bytes.test(text))?.[0];
}

async function digestOf(blob: Blob): Promise<string> {
  // Only where the page comes from this machine or by https.
  if (globalThis.crypto.subtle === undefined) {
    return Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-");
  }
  const digest = await crypto.subtle.digest(
    "SHA-256",
    await blob.arrayBuffer(),
  );
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

async function decode(blob: Blob) {
  const value = await createImageBitmap(blob);
  return { value, [Symbol.dispose]: () => value.close() };
}

async function keepThumbnail(key: string, bitmap: ImageBitmap): Promise<void> {
  const scale = THUMBNAIL / Math.max(bitmap.width, bitmap.height, THUMBNAIL);
  const canvas = new OffscreenCanvas(
    Math.max(1, bitmap.width * scale),
    Math.max(1, bitmap.height * scale),
  );
  canvas.getContext("2d")
    ?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const url = URL.createObjectURL(await canvas.convertToBlob());
  thumbnails.value = { ...thumbnails.value, [key]: url };
}
