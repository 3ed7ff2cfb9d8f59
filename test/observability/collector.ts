/** The status of a span of something that failed. */
const ERROR = 2;

/** What a collector is told of a span, as far as it matters here. */
export interface ReceivedSpan {
  readonly name: string;
  /** 1 for what the server does within itself, 2 for a request. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Nanoseconds since 1970. */
  readonly startTimeUnixNano: string;
  /** Nanoseconds since 1970. */
  readonly endTimeUnixNano: string;
  /** Their values; a whole number comes as text. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Whether its status is an error. */
  readonly failed: boolean;
}

/** Takes what OpenTelemetry sends. */
export interface Collector extends AsyncDisposable {
  /** What servers need in their environment to send to it. */
  readonly variables: Readonly<Record<string, string>>;
  /** The spans so far. */
  readonly spans: readonly ReceivedSpan[];
  /** Everything that was sent, as text. */
  readonly text: string;
}

interface Sent {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, "attributes" | "failed"> & {
        readonly attributes: readonly {
          readonly key: string;
          readonly value: Readonly<Record<string, unknown>>;
        }[];
        readonly status: { readonly code?: number };
      })[];
    }[];
  }[];
}

/** Opens a {@linkcode Collector} on a free port. */
export function openCollector(): Collector {
  const spans: ReceivedSpan[] = [];
  let text = "";
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    const body = await request.text();
    text += body;
    for (
      const { scopeSpans } of (JSON.parse(body) as Sent).resourceSpans ?? []
    ) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        spans.push({
          ...span,
          attributes: Object.fromEntries(
            span.attributes.map((
              { key, value },
            ) => [key, Object.values(value)[0]]),
          ),
          failed: span.status.code === ERROR,
        });
      }
    }
    return Response.json({});
  });
  return {
    variables: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "50",
    },
    spans,
    get text() {
      return text;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
