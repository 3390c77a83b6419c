import { randomUUID } from 'node:crypto';
import { KNOWN_ERRORS } from './known_errors.ts';

/** A refusal in Entra's own terms. The body that becomes of it: `errorBody`. */
export class EntraError extends Error {
  override readonly name = 'EntraError';
  readonly code: number;
  readonly error: string;
  readonly status: number;
  readonly suberror: string | undefined;
  readonly claims: string | undefined;
  readonly errorCodes: number[];

  constructor(
    description: string,
    parts: {
      code: number;
      error: string;
      status: number;
      suberror?: string | undefined;
      claims?: string | undefined;
      errorCodes?: number[] | undefined;
    },
  ) {
    super(description);
    this.code = parts.code;
    this.error = parts.error;
    this.status = parts.status;
    this.suberror = parts.suberror;
    this.claims = parts.claims;
    this.errorCodes = parts.errorCodes ?? [parts.code];
  }
}

export interface EntraErrorOverrides {
  error?: string | undefined;
  suberror?: string | undefined;
  status?: number | undefined;
  claims?: string | undefined;
  description?: string | undefined;
  /** Instead of the one code. */
  errorCodes?: number[] | undefined;
}

/** Builds the answer that Entra gives for an AADSTS number; `facts` fill the text's `{names}`. */
export function entraError(
  code: number,
  facts: Record<string, string> = {},
  overrides: EntraErrorOverrides = {},
): EntraError {
  const known = KNOWN_ERRORS[code];
  const error = overrides.error ?? known?.error ?? 'invalid_grant';
  const text = overrides.description ?? known?.text ?? `The sandbox was told to answer with ${code}.`;
  const filled = text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => facts[name] ?? whole);
  return new EntraError(filled, {
    code,
    error,
    status: overrides.status ?? known?.status ?? statusOf(error),
    suberror: overrides.suberror ?? known?.suberror,
    claims: overrides.claims,
    errorCodes: overrides.errorCodes,
  });
}

function statusOf(error: string): number {
  if (error === 'invalid_client') return 401;
  if (error === 'temporarily_unavailable') return 503;
  if (error === 'server_error') return 500;
  return 400;
}

/** The JSON of a failed request to the token endpoint. */
export function errorBody(error: EntraError, now: number, correlationId: string): Record<string, unknown> {
  const traceId = randomUUID();
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    error: error.error,
    error_description: describe(error, { traceId, correlationId, timestamp }),
    error_codes: error.errorCodes,
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: errorUri(error),
    ...(error.suberror === undefined ? {} : { suberror: error.suberror }),
    ...(error.claims === undefined ? {} : { claims: error.claims }),
  };
}

export function describe(
  error: Pick<EntraError, 'code' | 'message'>,
  parts: { traceId: string; correlationId: string; timestamp: string; separator?: string },
): string {
  const { traceId, correlationId, timestamp, separator = ' ' } = parts;
  const lines = [`Trace ID: ${traceId}`, `Correlation ID: ${correlationId}`, `Timestamp: ${timestamp}`];
  return [`AADSTS${error.code}: ${error.message}`, ...lines].join(separator);
}

export function errorUri(error: Pick<EntraError, 'code'>): string {
  return `https://login.microsoftonline.com/error?code=${error.code}`;
}
