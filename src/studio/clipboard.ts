/** Copies, and says so; where the browser forbids it, that. */
import { imagePath, send } from "./api.ts";
import { toast } from "./toast.ts";

/** Copies text; `name` says what it is. */
export async function copyText(text: string, name: string): Promise<void> {
  await copy(name, () => navigator.clipboard.writeText(text));
}

/** Copies a picture, as PNG, which is what every program takes. */
export async function copyPicture(id: string): Promise<void> {
  await copy("picture", () => {
    const item = new ClipboardItem({ "image/png": pngOf(id) });
    return navigator.clipboard.write([item]);
  });
}

async function copy(name: string, write: () => Promise<void>): Promise<void> {
  try {
    // Only pages from this machine or by https may.
    await write();
    toast(`Copied: ${name}`);
  } catch {
    toast(`The browser does not let this page copy: ${name}`);
  }
}

async function pngOf(id: string): Promise<Blob> {
  const blob = await (await send(imagePath(id))).blob();
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return await canvas.convertToBlob({ type: "image/png" });
}
