import type { Duration } from '../model/clock.ts';

/** Spans of OpenTelemetry. Their attributes hold no token, secret or name of a user. */
export interface Tracing {
  /** The span of a call, as a child of the W3C trace context in its metadata. `method`: `TokenService/GetAccessToken`. */
  startCall(method: string, metadata: CallMetadata): CallSpan;
  /** Runs `work` in a span, if a call is in progress. */
  span<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** A span that ends now, if a call is in progress. */
  ended(name: string, duration: Duration): void;
  /** Sends the spans that are pending, for at most two seconds. Never rejects. */
  close(): Promise<void>;
}

/** Metadata of a grpc-js call. */
export interface CallMetadata {
  get(name: string): readonly (string | Buffer)[];
}

export interface CallSpan {
  /** W3C Trace Context, section 3.2, of this span. */
  readonly traceparent: string;
  /** Runs `work` so that spans and requests that it starts are children of this span. */
  run<Result>(work: () => Result): Result;
  end(attributes: CallAttributes): void;
}

export interface CallAttributes {
  readonly requestId: string;
  readonly caller: string;
  /** `tenants/acme/connections/ada`; only the tenant becomes an attribute. */
  readonly resource: string;
  /** OK or a reason. */
  readonly status: string;
  /** Where a served token came from. */
  readonly source: string | undefined;
}
