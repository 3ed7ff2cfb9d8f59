import type {
  CallToolResult,
  ContentBlock,
} from "@modelcontextprotocol/server";
import { ApiError } from "../errors.ts";
import { withImageSlot, withSharp } from "../images/pixels.ts";
import type { StoredImage } from "../images/store.ts";
import type { Page } from "../library/page.ts";
import { formatCursor } from "../library/index.ts";
import type { Job } from "../jobs/job.ts";
import type { Link } from "../routes/links.ts";
import type { Service } from "../routes/route.ts";
import { readUsage } from "../routes/usage.ts";

/** The largest preview, in bytes of WebP. */
const MAX_PREVIEW_BYTES = 60_000;
/** What a larger one is made anew with: edges in pixels, and a quality with which even noise fits the smallest. */
const SMALLER_EDGES = [512, 384, 256];
const SMALLER_QUALITY = 50;
/** How many images of a list come with a preview. */
const MAX_PREVIEWS = 4;

const SAME_REFUSED = "change the prompt, the same one will be refused again";
const NEXT_STEPS: Readonly<Record<string, string>> = {
  codex_login_required:
    "ask the user to run `codex login` on the machine of the server",
  codex_unsupported: "ask the user to install that version of the Codex CLI",
  insufficient_storage: "ask the user to make room on the disk",
  model_refused: SAME_REFUSED,
  moderation_blocked: SAME_REFUSED,
  not_found: "call list_images for what there is",
  queue_full: "wait until other jobs are done and call again",
  rate_limit_exceeded: "wait a minute and call again",
  request_canceled: "call generate_image again if it is still wanted",
  usage_limit_reached: "wait until the limit ends, status tells when",
};

/** Where results look for images. */
interface Sources {
  /** Writes the URLs that the caller can open. */
  readonly link: Link;
  readonly service: Pick<Service, "library" | "links" | "store">;
}

/** Writes a failure, and what to do next. */
export function failureResult(
  { code, message, retryAfter }: {
    readonly code: string;
    readonly message: string;
    readonly retryAfter?: number | null;
  },
): CallToolResult {
  const when = retryAfter ? ` It may work again in ${retryAfter} s.` : "";
  const text = `${message} (${code}).${when}\nNext: ${nextStep(code)}.`;
  return { content: [{ type: "text", text }], isError: true };
}

/** Writes how a job stands, with the pictures that are finished. */
export async function jobResult(
  job: Job,
  sources: Sources,
): Promise<CallToolResult> {
  const { answer, candidates, error, id, status } = job.view();
  const failure = error &&
    failureResult({ ...error, retryAfter: error.retry_after });
  const lines: string[] = [];
  const images: StoredImage[] = [];
  for (const { code, image_id, index, message, phase } of candidates) {
    const name = `Picture ${index + 1}`;
    const image = image_id === null
      ? undefined
      : await sources.service.store.find(image_id);
    if (image !== undefined) {
      images.push(image);
      lines.push(`${name}: ${describeImage(image, sources)}`);
    } else if (code !== null) {
      lines.push(`${name} failed: ${message} (${code})`);
    } else {
      lines.push(`${name}: ${image_id === null ? phase : "removed"}`);
    }
  }
  for (const { index, message } of answer?.warnings ?? []) {
    lines.push(`Warning about picture ${index + 1}: ${message}`);
  }
  for (const { delivered, label } of answer?.references ?? []) {
    if (delivered === "original") continue;
    lines.push(
      `Warning: only the chat model saw reference ${
        JSON.stringify(label)
      }, and not the image model`,
    );
  }
  if (!job.finished) {
    lines.unshift(
      `It goes on by itself: call get_job with id "${id}" to wait for the rest, or cancel_job to end it.`,
    );
  }
  const text = [`Job ${id} is ${status}.`, ...lines];
  return {
    content: [
      ...failure?.content ?? [],
      { type: "text", text: text.join("\n") },
      ...await showImages(images, sources),
    ],
    ...(failure && { isError: true }),
  };
}

/** Writes a page of the library. */
export async function imagesResult(
  { images, next }: Page,
  sources: Sources,
): Promise<CallToolResult> {
  const lines = images.map((image) => {
    const { created_at, prompt } = image.sidecar;
    const words = prompt === undefined ? "" : `, ${JSON.stringify(prompt)}`;
    return `${describeImage(image, sources)}, made ${created_at}${words}`;
  });
  if (images.length === 0) lines.push("There are no such images.");
  if (next !== undefined) {
    lines.push(`Older ones: call again with cursor "${formatCursor(next)}".`);
  }
  return {
    content: [
      { type: "text", text: lines.join("\n") },
      ...await showImages(images, sources),
    ],
  };
}

/** Writes whether images can be made now, and how busy the server is. */
export async function statusResult(
  service: Pick<Service, "codex" | "readiness" | "slots">,
): Promise<CallToolResult> {
  const { readiness, slots } = service;
  const checks = await readiness();
  const isReady = checks.every(({ ok }) => ok);
  const { active, max, queued, queueMax } = slots.load;
  const lines = [
    isReady
      ? "Ready: images can be generated."
      : "Not ready: images cannot be generated.",
    ...checks.map(({ detail, name, ok }) =>
      `${name}: ${ok ? "" : "FAILED, "}${detail}`
    ),
    `queue: ${active} of ${max} workers busy, ${queued} of at most ${queueMax} pictures waiting`,
    ...await describeUsage(service),
  ];
  return { content: [{ type: "text", text: lines.join("\n") }] };
}

async function describeUsage(
  service: Pick<Service, "codex" | "slots">,
): Promise<string[]> {
  try {
    const { images, windows } = await readUsage(service);
    const lines = windows.map(({ limit, minutes, resets_at, used_percent }) =>
      `usage: ${used_percent} % of the ${
        minutes / 60
      } hours of limit "${limit}"${
        resets_at === null ? "" : `, which end at ${resets_at}`
      }`
    );
    if (images === null) return lines;
    return [
      ...lines,
      `usage: an image takes about ${images.percent_per_image} %`,
    ];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [`usage: unknown, ${error.message}`];
  }
}

function nextStep(code: string): string {
  const isArgument = /^(invalid_|missing_prompt$|unknown_parameter$)/.test(
    code,
  );
  if (isArgument) return "correct the argument and call again";
  return NEXT_STEPS[code] ?? "call status to see what is wrong";
}

function describeImage(
  image: StoredImage,
  { service: { links } }: Sources,
): string {
  const { bytes, id, mime_type, resolved_size } = image.sidecar;
  const size = bytes.toLocaleString("en-US");
  return `${
    links.path(image)
  } (${resolved_size}, ${mime_type}, ${size} bytes, id ${id})`;
}

/** Shows images: small ones to look at, then where the files are. */
async function showImages(
  images: readonly StoredImage[],
  sources: Sources,
): Promise<ContentBlock[]> {
  const previews = await Promise.all(
    images.slice(0, MAX_PREVIEWS).map((image) => showPreview(image, sources)),
  );
  const links = images.map((image): ContentBlock => ({
    type: "resource_link",
    uri: sources.link(image.sidecar.id, {
      mimeType: image.sidecar.mime_type,
    }),
    name: image.sidecar.file,
    mimeType: image.sidecar.mime_type,
    size: image.sidecar.bytes,
  }));
  return [...previews.flat(), ...links];
}

async function showPreview(
  image: StoredImage,
  { service: { library } }: Sources,
): Promise<ContentBlock[]> {
  const opened = await library.thumbnails.openFile(image);
  // Somebody removed the file since.
  if (opened === undefined) return [];
  let bytes = await new Response(opened.file.readable).bytes();
  for (const edge of SMALLER_EDGES) {
    if (bytes.length <= MAX_PREVIEW_BYTES) break;
    bytes = await shrink(bytes, edge);
  }
  return [{ type: "image", data: bytes.toBase64(), mimeType: "image/webp" }];
}

function shrink(
  bytes: Uint8Array<ArrayBuffer>,
  edge: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return withImageSlot(() =>
    withSharp(bytes, async (picture) =>
      new Uint8Array(
        await picture
          .resize({ width: edge, height: edge, fit: "inside" })
          .webp({ quality: SMALLER_QUALITY })
          .toBuffer(),
      ))
  );
}
