/** What the page gets from the API: the types of the schemas that the server checks its answers with. */
import type * as z from "zod";
import type { RequestSummary } from "../api/request_summary.ts";
import type {
  candidateSchema,
  jobSchema,
  referenceAnswerSchema,
  storedImageSchema,
} from "../api/schemas.ts";
import type {
  capabilitiesSchema,
  healthSchema,
  readySchema,
  UsageView,
} from "../api/server_schemas.ts";

export type Candidate = z.infer<typeof candidateSchema>;
export type Capabilities = z.infer<typeof capabilitiesSchema>;
export type Health = z.infer<typeof healthSchema>;
export type Ready = z.infer<typeof readySchema>;
export type UsedReference = z.infer<typeof referenceAnswerSchema>;

/** What was asked for, as the server tells it of jobs and pictures; of what earlier versions made it tells less. */
export type RequestFacts = Partial<RequestSummary>;
export type Job = z.infer<typeof jobSchema>;
export type StoredImage = z.infer<typeof storedImageSchema>;

/** A page of the library. */
export interface ImageList {
  readonly data: readonly StoredImage[];
  readonly next_cursor: string | null;
  readonly indexing: boolean;
}

/** How much of the plan is used. */
export type Usage = UsageView;
