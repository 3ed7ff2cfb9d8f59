import { createHmac, timingSafeEqual } from "node:crypto";
import { basename } from "@std/path";
import type {
  GenerateAnswer,
  MadeImage,
  UnlinkedAnswer,
  UnlinkedImage,
} from "../api/schemas.ts";
import type { Config } from "../config.ts";
import type { StoredImage } from "../images/store.ts";
import { joinAnywhere } from "../util.ts";

const FILE_PATH = /^\/v1\/images\/(codex-[^/]+)\/file(?:\.\w+)?$/;

/** Which file of an image a URL is of. */
export interface LinkOptions {
  /** The delivered one when left out. */
  readonly variant?: "original" | "thumbnail";
  /** The media type of the image, for a path that ends like a file name. */
  readonly mimeType?: string;
}

/** Writes the URL of an image for one caller. */
export type Link = (id: string, options?: LinkOptions) => string;

/** What {@linkcode Links} depend on. */
export interface LinksOptions
  extends Pick<Config, "apiKey" | "linkTtlMs" | "publicDir" | "publicUrl"> {
  /** What signatures are made with. */
  readonly secret: string;
}

/** Where callers find images. */
export class Links {
  readonly #options: LinksOptions;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Tells the path of an image's file, as callers see it. */
  path({ path, waiting }: StoredImage): string {
    const { publicDir } = this.#options;
    return publicDir === undefined || waiting
      ? path
      : joinAnywhere(publicDir, basename(path));
  }

  /**
   * Makes what writes URLs that the sender of a request can open: at the `Host` that they have reached, which the guard has
   * checked, unless there is a public address.
   *
   * They are signed where a key is set, and for web pages, which show images without telling their origin.
   */
  for({ headers }: Request): Link {
    const { apiKey, publicUrl } = this.#options;
    const base = publicUrl ?? `http://${headers.get("host")}`;
    const signed = apiKey !== undefined || headers.has("origin");
    return (id, { mimeType, variant } = {}) => {
      const url = new URL(`/v1/images/${id}/file${endingOf(mimeType)}`, base);
      if (variant !== undefined) url.searchParams.set("variant", variant);
      if (signed) this.#sign(url, id);
      return url.href;
    };
  }

  /** Tells whether a request is for the file of an image and has a signature for it that has not expired. */
  isSigned({ method, url }: Request): boolean {
    const { pathname, searchParams } = URL.parse(url) ?? new URL("file:");
    const id = FILE_PATH.exec(pathname)?.[1];
    const expires = searchParams.get("expires") ?? "";
    const isRead = method === "GET" || method === "HEAD";
    if (id === undefined || !isRead || !/^\d{1,15}$/.test(expires)) {
      return false;
    }
    const wanted = this.#signature(id, expires);
    const sent = new TextEncoder().encode(searchParams.get("signature") ?? "");
    const left = Number(expires) - Date.now();
    // What was signed while the clock was ahead of time would be good for as long as that.
    return sent.length === wanted.length && timingSafeEqual(sent, wanted) &&
      left > 0 && left <= this.#options.linkTtlMs + this.#step;
  }

  /** For how long the same URL is written, in milliseconds, so that a browser that lists images again has them in its cache. */
  get #step(): number {
    return Math.ceil(this.#options.linkTtlMs / 8);
  }

  #sign({ searchParams }: URL, id: string): void {
    const step = this.#step;
    const end = Date.now() + this.#options.linkTtlMs;
    const expires = `${Math.ceil(end / step) * step}`;
    const signature = new TextDecoder().decode(this.#signature(id, expires));
    searchParams.set("expires", expires);
    searchParams.set("signature", signature);
  }

  #signature(id: string, expires: string): Uint8Array {
    const text = createHmac("sha256", this.#options.secret)
      .update(`${id} ${expires}`).digest("base64url");
    return new TextEncoder().encode(text);
  }
}

/** Writes an image of an answer for whoever asks. */
export function linkImage(image: UnlinkedImage, link: Link): MadeImage {
  return { ...image, url: link(image.id) };
}

/** Writes the answer of a job for whoever asks. */
export function linkAnswer(answer: UnlinkedAnswer, link: Link): GenerateAnswer {
  const data = answer.data.map((image) => linkImage(image, link));
  return { ...answer, url: data[0].url, data };
}

function endingOf(mimeType: string | undefined): string {
  if (mimeType === undefined) return "";
  return mimeType === "image/jpeg" ? ".jpg" : mimeType.replace("image/", ".");
}
