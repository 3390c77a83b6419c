import { randomUUID } from 'node:crypto';
import { knownError } from './known_errors.ts';

/** A refusal in Entra's own terms. The body that becomes of it: `errorBody`. */
export class EntraError extends Error {
  override readonly name = 'EntraError';
  /** The AADSTS number; undefined: none, as personal accounts often have it. */
  readonly code: number | undefined;
  readonly error: string;
  readonly status: number;
  readonly suberror: string | undefined;
  readonly claims: string | undefined;
  readonly errorCodes: number[];

  constructor(
    description: string,
    parts: {
      code: number | undefined;
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
    this.errorCodes = parts.errorCodes ?? (parts.code === undefined ? [] : [parts.code]);
  }
}

export interface EntraErrorOverrides {
  error?: string | undefined;
  /** `null`: none, though the number usually has one. */
  suberror?: string | null | undefined;
  status?: number | undefined;
  claims?: string | undefined;
  description?: string | undefined;
  /** Instead of the one code. */
  errorCodes?: number[] | undefined;
}

/** Builds the answer that Entra gives for an AADSTS number, or for none; `facts` fill the text's `{names}`. */
export function entraError(
  code: number | undefined,
  facts: Record<string, string> = {},
  overrides: EntraErrorOverrides = {},
): EntraError {
  const known = code === undefined ? undefined : knownError(code, overrides.error);
  const error = overrides.error ?? known?.error ?? 'invalid_grant';
  const text = overrides.description ?? known?.text ?? `The sandbox answers with ${code ?? error}.`;
  const filled = text.replaceAll(/\{(\w+)\}/g, (_, name: string) => facts[name] ?? name);
  return new EntraError(filled, {
    code,
    error,
    status: overrides.status ?? (known?.error === error ? known.status : undefined) ?? statusOf(error),
    suberror: overrides.suberror === undefined ? known?.suberror : (overrides.suberror ?? undefined),
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
    ...(error.code === undefined ? {} : { error_uri: errorUri(error) }),
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
  const text = error.code === undefined ? error.message : `AADSTS${error.code}: ${error.message}`;
  return [text, ...lines].join(separator);
}

export function errorUri(error: Pick<EntraError, 'code'>): string {
  return `https://login.microsoftonline.com/error?code=${error.code}`;
}
