import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { deadline } from "@std/async/deadline";
import * as z from "zod";
import { bodySchema, type FieldTable, optional } from "../api/field.ts";
import { FIELDS } from "../api/fields.ts";
import { parseGenerateRequest } from "../api/generate_request.ts";
import {
  type JsonSchema,
  toJsonSchemas,
  withWords,
} from "../api/json_schema.ts";
import type { CandidateView } from "../api/schemas.ts";
import { toValidationError } from "../api/validation_error.ts";
import type { Job } from "../jobs/job.ts";
import type { JobEntry } from "../jobs/jobs.ts";
import { setSpanAttribute } from "../observability/tracing.ts";
import { findJob } from "../routes/jobs.ts";
import type { Link } from "../routes/links.ts";
import { parseImagesQuery } from "../routes/list_query.ts";
import type { RequestContext } from "../routes/route.ts";
import { imagesResult, jobResult, statusResult } from "./results.ts";

/** How long a call waits for a job: less than the minute after which most clients give up, in seconds. */
const WAIT_S = 50;
const MAX_WAIT_S = 600;
/** What the end of a job takes at most, in seconds. */
const END_S = 2;
/** How far a candidate is, in steps of which its end is the last. */
const STEPS = { queued: 0, started: 1, drawing: 2 };
const LAST_STEP = 3;
/** Of somebody who waits for a job and never leaves. */
const FOREVER = new AbortController().signal;

const WAIT = `expected a number of seconds from 0 to ${MAX_WAIT_S}`;
const JOB_ID = "expected the id of a job";
const TEXT = "expected text";
const LIMIT = "expected a whole number from 1 to 100";

const wait_s = {
  schema: optional(z.number(WAIT).min(0, WAIT).max(MAX_WAIT_S, WAIT)),
  code: "unknown_parameter",
  words:
    `How many seconds to wait for the job, 0 to ${MAX_WAIT_S}, ${WAIT_S} if left out; a job that is not done by then goes on, and get_job finds it`,
} as const;

const jobId = {
  schema: z.string(JOB_ID),
  code: "unknown_parameter",
  words: "The id of the job, `gen_…`",
} as const;

const GENERATE_FIELDS = {
  prompt: FIELDS.prompt,
  count: FIELDS.count,
  size: FIELDS.size,
  aspect: {
    ...FIELDS.aspect,
    words:
      "The shape where `size` is `auto` or a preset: `W:H` such as `16:9`, `landscape`, `portrait`, `square` or `reference` (that of the first)",
  },
  output_size: {
    ...FIELDS.output_size,
    words:
      "The exact pixels of the file where size cannot have them: `WIDTHxHEIGHT` or `reference` (those of the first); not together with an explicit size",
  },
  output_format: FIELDS.output_format,
  background: FIELDS.background,
  references: FIELDS.references,
  wait_s,
} as const satisfies FieldTable;

const LIST_FIELDS = {
  limit: {
    schema: optional(z.int(LIMIT)),
    code: "unknown_parameter",
    words: "How many, 1 to 100, 20 if left out",
  },
  cursor: {
    schema: optional(z.string(TEXT)),
    code: "unknown_parameter",
    words: "The cursor of the list before, for the next older ones",
  },
  job: {
    schema: optional(z.string(TEXT)),
    code: "unknown_parameter",
    words: "Only the images of this job",
  },
  q: {
    schema: optional(z.string(TEXT)),
    code: "unknown_parameter",
    words: "Only images with these words in their prompt, where it is stored",
  },
} as const satisfies FieldTable;

/** What a tool works with beside its arguments. */
export interface ToolContext extends RequestContext {
  /** Writes the URLs that the caller can open. */
  readonly link: Link;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** Aborted when the caller's own time is up, while it still wants the job. */
  readonly timeUp: AbortSignal;
  /** Tells the caller how far the work is. */
  readonly report: (progress: {
    readonly progress: number;
    readonly total: number;
    readonly message: string;
  }) => Promise<void>;
}

/** A tool: how it is listed, and what calls it. */
export interface ServerTool {
  readonly listed: Tool;
  /**
   * Calls it.
   *
   * @throws {ApiError} It cannot do what it should; the message is for the caller.
   */
  readonly call: (
    args: Readonly<Record<string, unknown>>,
    context: ToolContext,
  ) => Promise<CallToolResult>;
}

/** The tools, in the order in which they are listed. */
export const TOOLS: readonly ServerTool[] = [
  defineTool({
    name: "generate_image",
    title: "Generate or edit images",
    description:
      "Generate images from a text prompt, or edit, restyle and combine existing pictures given as references: photos, illustrations, logos, icons, sprites, textures, mockups, backgrounds, also with a transparent background and in an exact size. " +
      "Draws with gpt-image-2 through this machine's Codex login and saves files. Returns the absolute path, size and a preview of each; 1 to 4 distinct candidates a call. " +
      "A picture takes 12 to 180 seconds. If the answer says that the job is not done yet, call get_job with its id.",
    // All that it talks to is the one image service: agents may call it without asking each time.
    annotations: { destructiveHint: false, openWorldHint: false },
    fields: GENERATE_FIELDS,
    call: generateImage,
  }),
  defineTool({
    name: "get_job",
    title: "Wait for an image job",
    description:
      "Wait for an image generation job and get its pictures: path, size and preview of those that are finished, and how far the others are. " +
      "Use it when generate_image answered that a job is not done yet, or when that call was cut off.",
    annotations: { readOnlyHint: true },
    fields: { id: jobId, wait_s },
    call: getJob,
  }),
  defineTool({
    name: "cancel_job",
    title: "Cancel an image job",
    description:
      "Cancel an image generation job that is under way, such as one with a wrong prompt, so that it uses no more of the plan. Finished pictures are kept.",
    annotations: { destructiveHint: true, idempotentHint: true },
    fields: { id: jobId },
    call: cancelJob,
  }),
  defineTool({
    name: "list_images",
    title: "List generated images",
    description:
      "List or search the images that were generated before, the newest first: id, absolute path, size, time. The first four come with a preview.",
    annotations: { readOnlyHint: true },
    fields: LIST_FIELDS,
    call: listImages,
  }),
  defineTool({
    name: "status",
    title: "Check image generation",
    description:
      "Check whether images can be generated now: Codex login, usage limit, queue, free disk. Use it when generate_image fails or before a large batch.",
    annotations: { readOnlyHint: true },
    fields: {},
    call: (_args, { service }) => statusResult(service),
  }),
];

/** A tool as it is written down here. */
interface Definition<Fields extends FieldTable>
  extends Pick<Tool, "annotations" | "description" | "name" | "title"> {
  readonly fields: Fields;
  readonly call: (
    args: z.output<ReturnType<typeof bodySchema<Fields>>>,
    context: ToolContext,
    sent: Readonly<Record<string, unknown>>,
  ) => Promise<CallToolResult>;
}

function defineTool<Fields extends FieldTable>(
  { call, fields, ...about }: Definition<Fields>,
): ServerTool {
  const schema = bodySchema(fields);
  const { input } = toJsonSchemas({ input: schema });
  return {
    listed: {
      ...about,
      inputSchema: withWords(withoutNull(input), fields) as Tool["inputSchema"],
    },
    call: async (sent, context) => {
      const result = schema.safeParse(sent);
      if (result.success) {
        return await call(result.data, context, sent);
      }
      throw toValidationError(result.error.issues[0], { body: sent, fields });
    },
  };
}

/** Leaves out that `null` stands for nothing: not every client can read several types, and no model needs to know. */
function withoutNull(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (name, value) => {
    if (name === "type" && Array.isArray(value)) return value[0];
    if (value?.anyOf?.[1]?.type !== "null") return value;
    const { anyOf: [first], ...rest } = value;
    return { ...first, ...rest };
  });
}

async function generateImage(
  { wait_s }: { readonly wait_s: number | undefined },
  context: ToolContext,
  { wait_s: _, ...body }: Readonly<Record<string, unknown>>,
): Promise<CallToolResult> {
  const { requestId, service, signal } = context;
  const wanted = parseGenerateRequest(body);
  const entry = await service.jobs.start(wanted, {
    requestId,
    caller: { signal },
  });
  setSpanAttribute("codex.job", entry.job.record.id);
  await wait(entry, wait_s, context);
  // From here on it needs nobody who waits for it.
  entry.attach({ signal: FOREVER });
  return jobResult(entry.job, context);
}

async function getJob(
  { id, wait_s }: { readonly id: string; readonly wait_s: number | undefined },
  context: ToolContext,
): Promise<CallToolResult> {
  const { service } = context;
  const entry = findJob(service.jobs, id);
  await wait(entry, wait_s, context);
  return jobResult(entry.job, context);
}

async function cancelJob(
  { id }: { readonly id: string },
  context: ToolContext,
): Promise<CallToolResult> {
  const { service } = context;
  const entry = findJob(service.jobs, id);
  entry.cancel();
  await wait(entry, END_S, context);
  const { isError: _, ...result } = await jobResult(entry.job, context);
  return result;
}

async function listImages(
  args: Readonly<Record<string, string | number | undefined>>,
  context: ToolContext,
): Promise<CallToolResult> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(args)) {
    if (value !== undefined) query.set(name, `${value}`);
  }
  const { config, library } = context.service;
  const page = await library.list(parseImagesQuery(query, config));
  return imagesResult(page, context);
}

/** Waits until a job is over, as long as the call may take or the caller has time, and reports its progress. */
async function wait(
  { answer, job }: JobEntry,
  seconds = WAIT_S,
  { report, signal, timeUp }: ToolContext,
): Promise<void> {
  const over = new AbortController();
  void reportProgress(job, report, over.signal);
  // Its failure stands in the record.
  const end = answer.then(() => {}, () => {});
  try {
    await deadline(end, seconds * 1000, {
      signal: AbortSignal.any([signal, timeUp]),
    });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  } finally {
    over.abort();
  }
}

async function reportProgress(
  job: Job,
  report: ToolContext["report"],
  over: AbortSignal,
): Promise<void> {
  let told = -1;
  for await (const _ of job.watch()) {
    if (over.aborted) return;
    const { candidates, id } = job.view();
    const phases = candidates.map(({ phase }) => phase);
    const progress = phases.reduce((sum, phase) => sum + stepOf(phase), 0);
    if (progress <= told) continue;
    told = progress;
    const message = `Job ${id}: ${phases.join(", ")}`;
    await report({ progress, total: LAST_STEP * phases.length, message });
  }
}

function stepOf(phase: CandidateView["phase"]): number {
  return Object.hasOwn(STEPS, phase)
    ? STEPS[phase as keyof typeof STEPS]
    : LAST_STEP;
}
