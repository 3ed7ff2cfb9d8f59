/** The one way to the server: relative addresses, the key, and errors with the server's own words. */
import { signal } from "@preact/signals";

const KEY = "studio.key";

/** What is said where there was no answer. */
export const NO_ANSWER = "The server does not answer";

/** An answer that is an error; `status` is 0 where there was none. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The key of the server, where it wants one. */
export const key = signal(readKey());

/** Whether the server wants a key that we do not have. */
export const keyNeeded = signal(false);

/** Whether the server answered when it was asked last. */
export const online = signal(true);

/** Remembers the key for this tab, or for every visit. */
export function setKey(value: string, remember: boolean): void {
  key.value = value;
  try {
    sessionStorage.setItem(KEY, value);
    if (remember) localStorage.setItem(KEY, value);
  } catch {
    // Forbidden: it lasts as long as the page.
  }
}

/**
 * Sends a request.
 *
 * @throws {ApiError} No answer, or one that is an error.
 */
export async function send(
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  const sent = headers.get("x-api-key") ?? key.value;
  if (sent !== "") headers.set("x-api-key", sent);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    online.value = false;
    throw new ApiError(0, "offline", NO_ANSWER);
  }
  online.value = true;
  if (response.ok) return response;
  const failure = await readError(response);
  // An answer may come after the right key has been entered.
  if (failure.status === 401 && sent === key.value) keyNeeded.value = true;
  throw failure;
}

/** Asks for JSON. */
export async function get<Answer>(path: string): Promise<Answer> {
  return await (await send(path)).json();
}

/** Asks for JSON that an older server, or one that cannot say, does not have. */
export async function getIfThere<Answer>(
  path: string,
): Promise<Answer | undefined> {
  try {
    return await get<Answer>(path);
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** Tells what is wrong with a key; nothing where it is the right one. */
export async function keyProblem(tried: string): Promise<string | undefined> {
  try {
    await send("v1/capabilities", { headers: { "x-api-key": tried } });
  } catch (error) {
    return error instanceof ApiError && error.status !== 401
      ? error.message
      : "The server does not take this key";
  }
}

/** Where a picture is. */
export function imagePath(
  id: string,
  variant: "delivered" | "original" | "thumbnail" = "delivered",
): string {
  const file = `v1/images/${id}/file`;
  return variant === "delivered" ? file : `${file}?variant=${variant}`;
}

/** Tells what went wrong in words. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function readError(response: Response): Promise<ApiError> {
  const { status } = response;
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    return new ApiError(status, error.code, error.message);
  } catch {
    // Something between us and the server has answered.
    return new ApiError(status, "unknown", `The server answered ${status}`);
  }
}

function readKey(): string {
  try {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
