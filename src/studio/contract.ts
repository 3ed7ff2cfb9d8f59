/** What the page gets from the API: the types of the schemas that the server checks its answers with. */
import type * as z from "zod";
import type {
  candidateSchema,
  capabilitiesSchema,
  healthSchema,
  jobSchema,
  readySchema,
  referenceAnswerSchema,
  storedImageSchema,
  UsageView,
} from "../api/schemas.ts";

export type Candidate = z.infer<typeof candidateSchema>;
export type Capabilities = z.infer<typeof capabilitiesSchema>;
export type Health = z.infer<typeof healthSchema>;
export type Ready = z.infer<typeof readySchema>;
export type UsedReference = z.infer<typeof referenceAnswerSchema>;

/** What was asked for, as the server tells it of jobs and pictures. */
export interface RequestFacts {
  readonly count?: number;
  readonly size?: string;
  readonly aspect?: string | null;
  readonly quality?: string;
  readonly output_format?: string;
  readonly background?: string;
  readonly fit?: string | null;
  readonly prompt?: string | null;
  readonly references?: readonly {
    readonly sha256: string;
    readonly label?: string | null;
  }[];
}

export type Job = Omit<z.infer<typeof jobSchema>, "request"> & {
  readonly request: z.infer<typeof jobSchema>["request"] & RequestFacts;
};

export type StoredImage = z.infer<typeof storedImageSchema> & {
  readonly request?: RequestFacts;
};

/** A page of the library. */
export interface ImageList {
  readonly data: readonly StoredImage[];
  readonly next_cursor: string | null;
  readonly indexing: boolean;
}

/** How much of the plan is used. */
export type Usage = UsageView;
