/** What can be done with a picture or a run, from wherever it is shown. */
import { ApiError, get, getIfThere, imagePath, send, wordsOf } from "./api.ts";
import { leaveOut } from "./closeup.ts";
import { focusPrompt } from "./composer.ts";
import type { StoredImage } from "./contract.ts";
import { type Draft, fillForm, problem, type Reference } from "./draft.ts";
import { deletePictures } from "./library.ts";
import { draftFrom, draftOf } from "./records.ts";
import { addFromLibrary } from "./references.ts";
import { startRun } from "./runs.ts";
import { findPicture } from "./storage.ts";
import { toast } from "./toast.ts";

const facts = new Map<string, Promise<StoredImage>>();

/** Asks all that is known of a picture, once. */
export function factsOf(id: string): Promise<StoredImage> {
  const known = facts.get(id) ?? get<StoredImage>(`v1/images/${id}`);
  facts.set(id, known);
  known.catch(() => facts.delete(id));
  return known;
}

/** Takes a picture as a reference. */
export async function useAsReference(id: string): Promise<void> {
  await addFromLibrary(id);
}

/** Puts what a picture was made with into the form, references too. */
export async function reusePicture(id: string): Promise<void> {
  try {
    const image = await factsOf(id);
    const { generation_id, quality, references, requested_size } = image;
    const told = {
      quality,
      requested_size,
      references,
      prompt: image.prompt ?? undefined,
      ...image.request,
    };
    await reuse(draftOf(generation_id) ?? draftFrom(told));
  } catch (error) {
    toast(wordsOf(error));
  }
}

/** Puts a form back, as far as the browser still has its references. */
export async function reuse(draft: Draft): Promise<void> {
  const found = await Promise.all(draft.references.map(findReference));
  const references = found.filter((one) => one !== undefined);
  fillForm({ ...draft, references }, "Settings are in the form");
  const lost = draft.references.length - references.length;
  if (lost > 0) {
    problem.value =
      `${lost} of its references are no longer there: add them again`;
  }
  if (draft.prompt === "") {
    problem.value =
      "The server keeps no prompts, and this browser has not written this one";
  }
  location.hash = "#create";
  focusPrompt();
}

/** Draws one more with the settings of a run. */
export async function tryAgain(draft: Draft): Promise<void> {
  await startRun({ ...draft, settings: { ...draft.settings, count: 1 } });
}

/** Saves a picture, or the file as Codex wrote it. */
export async function download(
  id: string,
  variant: "delivered" | "original" = "delivered",
): Promise<void> {
  try {
    const response = await send(imagePath(id, variant));
    const blob = await response.blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${id}${variant === "original" ? ".original" : ""}.${
      blob.type.replace("image/", "")
    }`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message);
  }
}

/** Deletes a picture, in a moment. */
export function remove(id: string): void {
  deletePictures([id]);
  leaveOut(id);
}

/** Looks whether a reference can be used again: the browser keeps its file, or the server its picture. */
async function findReference(one: Reference): Promise<Reference | undefined> {
  if (one.imageId === undefined) {
    return await findPicture(one.key) === undefined ? undefined : one;
  }
  const image = await getIfThere<StoredImage>(`v1/images/${one.imageId}`);
  if (image === undefined) return undefined;
  const [width, height] = image.native_size.split("x").map(Number);
  return { ...one, width, height };
}
