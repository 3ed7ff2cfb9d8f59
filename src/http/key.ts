import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

const BEARER = /^Bearer +(\S+)$/i;

/**
 * Tells whether a request brings the key, as `X-API-Key`, as `api-key` or as `Authorization: Bearer`.
 *
 * Digests are compared, in constant time, so that the time taken tells neither the key nor its length. Several keys may
 * be sent, as some clients always fill `Authorization`: one that fits is enough.
 */
export async function hasKey(request: Request, key: string): Promise<boolean> {
  const { headers } = request;
  const sent = [
    headers.get("x-api-key"),
    headers.get("api-key"),
    BEARER.exec(headers.get("authorization") ?? "")?.[1] ?? null,
  ].filter((text) => text !== null);
  const [wanted, ...digests] = await Promise.all([key, ...sent].map(digest));
  return digests.some((one) => timingSafeEqual(one, wanted));
}

async function digest(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
