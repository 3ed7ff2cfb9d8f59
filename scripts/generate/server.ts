import { basename } from "@std/path";
import type { Options } from "./options.ts";

/** Something that went wrong and that the person in front of it should read. */
export class Trouble extends Error {
  override name = "Trouble";
}

/**
 * Asks the server for images.
 *
 * @returns The stream of the job's events.
 * @throws {Trouble} The server cannot be reached or does not take the request, or a reference cannot be read.
 */
export async function requestImages(
  options: Options,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const form = new FormData();
  for (const [name, value] of Object.entries(options.fields)) {
    if (value !== undefined) form.append(name, value);
  }
  for (const path of options.references) {
    form.append("reference", await readReference(path), basename(path));
  }
  const response = await ask(options, "/v1/images/generate", {
    method: "POST",
    headers: { "accept": "text/event-stream" },
    body: form,
    signal,
  });
  if (response.body !== null) return response.body;
  throw new Trouble("Cannot follow the work: the server sent nothing");
}

/**
 * Sends a request to the server.
 *
 * @throws {Trouble} The server cannot be reached, or says no.
 */
export async function ask(
  { apiKey, server }: Options,
  path: string,
  init: RequestInit,
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey !== undefined) headers.set("x-api-key", apiKey);
  let response: Response;
  try {
    response = await fetch(server + path, { ...init, headers });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Trouble(
      `Cannot reach the server at ${server}: is it running? "deno task start" starts one, "deno task sandbox" one that needs no account`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  throw new Trouble(await refusalOf(response));
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return String(JSON.parse(text).error.message);
  } catch {
    return `Cannot use the server: it answered with status ${response.status} and no explanation`;
  }
}

async function readReference(path: string): Promise<Blob> {
  try {
    return new Blob([await Deno.readFile(path)]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error.message;
    throw new Trouble(`Cannot read the reference "${path}": ${reason}`);
  }
}
