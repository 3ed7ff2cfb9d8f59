import { assertEquals } from "@std/assert";
import type { TestService } from "../support/service.ts";

/** What pages are after. */
export interface Target {
  /** The address of the server. */
  readonly base: string;
  /** The address of a stored picture. */
  readonly image: string;
  /** The id of the job that made it. */
  readonly job: string;
}

/** Makes a picture for pages to be after. */
export async function storePicture(
  server: TestService,
): Promise<Target> {
  const headers = keyOf(server);
  const answer = await server.generate({ prompt: "an owl" }, { headers });
  const { id, url } = await answer.json();
  // Without the signature, which pages of strangers do not get to see.
  return { base: server.url, image: url.split("?")[0], job: id };
}

/** Sees that there is the picture of {@linkcode storePicture}, and that nothing was started after it. */
export async function assertOnlyPicture(
  server: TestService,
  { image }: Target,
): Promise<void> {
  const { record } = server.place.sandbox;
  assertEquals(server.logLines("generate.start").length, 1);
  assertEquals(server.logLines("codex.exec.start").length, 1);
  assertEquals(record.to("/v1/images/generations").length, 1);
  assertEquals(record.to("/v1/images/edits"), []);
  const headers = keyOf(server);
  const file = await fetch(image, { headers });
  await file.body?.cancel();
  assertEquals(file.status, 200);
}

function keyOf({ config }: TestService): Record<string, string> {
  return config.apiKey === undefined ? {} : { "x-api-key": config.apiKey };
}
