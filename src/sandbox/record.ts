/** One request that the sandbox received. */
export interface RecordedRequest {
  /** Milliseconds since 1970 at which the body had arrived. */
  readonly at: number;
  /** The HTTP method. */
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** Bytes of the body after decompression. */
  readonly bytes: number;
  /** Bytes of the body as they travelled. */
  readonly wireBytes: number;
  /** The user's words, where the request carried any. */
  readonly words?: string;
  /** The prompt of an image request. */
  readonly prompt?: string;
  /** The SHA-256 of every reference of an image request, hexadecimal, in order. */
  readonly references?: readonly string[];
  /** The requested background of an image request. */
  readonly background?: string;
  /** The SHA-256 of the picture that an image request was answered with, hexadecimal; set later. */
  picture?: string;
  /** When the answer had been handed over, in milliseconds since 1970; set later. */
  answeredAt?: number;
}

/** How many requests are remembered; the oldest are forgotten first. */
const CAPACITY = 2000;

/** Remembers what the sandbox received, so that a test can compare it with what a client sent. */
export class RequestRecord {
  #requests: RecordedRequest[] = [];

  /** Everything remembered, oldest first. */
  get all(): readonly RecordedRequest[] {
    return this.#requests;
  }

  /** The requests to one path, oldest first. */
  to(path: string): readonly RecordedRequest[] {
    return this.#requests.filter((request) => request.path === path);
  }

  /** Adds one request and returns it. */
  add(request: RecordedRequest): RecordedRequest {
    this.#requests.push(request);
    if (this.#requests.length > CAPACITY) this.#requests.shift();
    return request;
  }

  /** Forgets everything. */
  clear(): void {
    this.#requests = [];
  }
}
