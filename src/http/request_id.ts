const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Tells the name of a request in answers and in the log: the caller's `x-request-id` where it is fit for that, or a new one. */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get("x-request-id");
  if (sent !== null && REQUEST_ID.test(sent)) return sent;
  return newRequestId();
}

/** Makes the name of a request that has none. */
export function newRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}
