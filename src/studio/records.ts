/** The forms that started runs: kept by this browser, or made of what the server tells of a request. */
import { signal } from "@preact/signals";
import type { RequestFacts } from "./contract.ts";
import { type Draft, type Settings, USUAL } from "./draft.ts";
import { capabilities } from "./server.ts";
import { keepValue, readValue } from "./storage.ts";

const RECORDS = "studio.runs";
const MAX_RECORDS = 300;

/** The drafts of this browser's runs, by job. */
const records = signal(readValue<Readonly<Record<string, Draft>>>(RECORDS, {}));

/** Finds the form that started a run, where this browser has kept it. */
export function draftOf(id: string): Draft | undefined {
  return records.value[id];
}

/** Keeps the form that started a run. */
export function keepRecord(id: string, draft: Draft): void {
  let entries = [...Object.entries(records.value), [id, draft] as const]
    .slice(-MAX_RECORDS);
  records.value = Object.fromEntries(entries);
  // Where there is no room for all, the newest are kept.
  while (!keepValue(RECORDS, Object.fromEntries(entries))) {
    if (entries.length === 0) return;
    entries = entries.slice(Math.ceil(entries.length / 2));
  }
}

/** Calls back when another tab has kept one. */
export function onOtherRecords(listener: () => void): void {
  addEventListener("storage", ({ key }) => {
    if (key !== RECORDS) return;
    records.value = readValue(RECORDS, {});
    listener();
  });
}

/** Makes a form of what the server tells of a request. */
export function draftFrom(
  request: RequestFacts & { readonly requested_size?: string },
): Draft {
  const settings: Settings = {
    ...USUAL,
    ...shapeFrom(request),
    ...sizeFrom(request),
    count: request.count ?? 1,
    quality: request.quality ?? USUAL.quality,
    format: request.output_format ?? USUAL.format,
    compression: request.output_compression ?? USUAL.compression,
    background: request.background ?? USUAL.background,
  };
  const usual = settings.size === "auto" ? "none" : "cover";
  const { fit = usual } = request;
  const references = (request.references ?? []).map((
    { id, label, sha256 },
  ) => ({
    key: id ?? sha256,
    label: label || "reference",
    type: "image/png",
    bytes: 0,
    width: 0,
    height: 0,
    ...(id !== undefined && { imageId: id }),
  }));
  return {
    prompt: request.prompt ?? "",
    settings: { ...settings, fit: fit === usual ? "" : fit },
    references,
  };
}

function shapeFrom(
  { aspect, canvas_size }: RequestFacts,
): Partial<Settings> {
  const ratio = aspect !== "canvas"
    ? aspect
    : canvas_size && `${canvas_size.width}:${canvas_size.height}`;
  if (!ratio) return {};
  const isOffered = ratio === "reference" ||
    capabilities.value.ratio_options.some((one) => one === ratio);
  return isOffered ? { shape: ratio } : { shape: "custom", ratio };
}

function sizeFrom(
  { canvas_size, output_size, requested_size, size = requested_size ?? "auto" }:
    & RequestFacts
    & { readonly requested_size?: string },
): Partial<Settings> {
  if (output_size === "reference") return { size: output_size };
  const exact = output_size === "canvas"
    ? `${canvas_size?.width}x${canvas_size?.height}`
    : output_size ?? size;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(exact) ?? [];
  return width === undefined
    ? { size: size === "auto" ? size : size.toUpperCase() }
    : { size: "exact", width: Number(width), height: Number(height) };
}
