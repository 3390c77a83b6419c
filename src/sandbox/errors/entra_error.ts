import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { CLIENT_ERRORS } from './aadsts_client_errors.ts';
import { GRANT_ERRORS } from './aadsts_grant_errors.ts';

/** An error in Entra's terms; `errorBody` makes the response body. */
export class EntraError extends Error {
  override readonly name = 'EntraError';
  /** The AADSTS number. Undefined: none, as often with personal accounts. */
  readonly code: number | undefined;
  readonly error: string;
  readonly status: number;
  readonly suberror: string | undefined;
  readonly claims: string | undefined;
  readonly errorCodes: number[];

  constructor(
    description: string,
    fields: Pick<EntraError, 'code' | 'error' | 'status' | 'suberror' | 'claims'> & {
      errorCodes?: number[] | undefined;
    },
  ) {
    super(description);
    this.code = fields.code;
    this.error = fields.error;
    this.status = fields.status;
    this.suberror = fields.suberror;
    this.claims = fields.claims;
    this.errorCodes = fields.errorCodes ?? (fields.code === undefined ? [] : [fields.code]);
  }
}

export const errorOverrides = z.strictObject({
  error: z.string().min(1).optional(),
  /** `null`: none, although the error usually has one. */
  suberror: z.string().min(1).nullable().optional(),
  status: z.int().min(200).max(599).optional(),
  claims: z.string().min(1).optional(),
  description: z.string().min(1).optional(),
  /** Default: the one code. */
  errorCodes: z.array(z.int()).optional(),
});
export type EntraErrorOverrides = z.input<typeof errorOverrides>;

/** The error that Entra returns for an AADSTS number, or without a number. `facts` fill the `{names}` of its text. */
export function entraError(
  code: number | undefined,
  facts: Record<string, string> = {},
  overrides: EntraErrorOverrides = {},
): EntraError {
  const known = code === undefined ? undefined : knownError(code, overrides.error);
  const error = overrides.error ?? known?.error ?? 'invalid_grant';
  const text = overrides.description ?? known?.text ?? `The sandbox answers with ${code ?? error}.`;
  const description = text.replaceAll(/\{(\w+)\}/g, (_, name: string) => facts[name] ?? name);
  return new EntraError(description, {
    code,
    error,
    status: overrides.status ?? (known?.error === error ? known.status : undefined) ?? statusOf(error),
    suberror: overrides.suberror === undefined ? known?.suberror : (overrides.suberror ?? undefined),
    claims: overrides.claims,
    errorCodes: overrides.errorCodes,
  });
}

/** By AADSTS number; the usual error first, then those under another `error`. */
const KNOWN_ERRORS = Map.groupBy(
  `${CLIENT_ERRORS}${GRANT_ERRORS}`.trim().split(/\n+/).map(readRow),
  ({ code }) => code,
);

/** A row is `code | error [status] | suberror | text`; `-` stands for none, or for the text of the code's first row. */
function readRow(row: string) {
  const [code = '', errorAndStatus = '', suberror = '', text = ''] = row.split(' | ');
  const [error = '', status] = errorAndStatus.split(' ');
  return {
    code: Number(code),
    error,
    /** Undefined: the usual status of the `error`. */
    status: status === undefined ? undefined : Number(status),
    suberror: suberror === '-' ? undefined : suberror,
    text,
  };
}

function knownError(code: number, error: string | undefined) {
  const rows = KNOWN_ERRORS.get(code);
  const row = rows?.find((candidate) => candidate.error === error) ?? rows?.[0];
  return row?.text === '-' ? { ...row, text: rows?.[0]?.text ?? '' } : row;
}

function statusOf(error: string): number {
  if (error === 'invalid_client') return 401;
  if (error === 'temporarily_unavailable') return 503;
  if (error === 'server_error') return 500;
  return 400;
}

/** The JSON body of an error response of the token endpoint. */
export function errorBody(error: EntraError, now: number, correlationId: string): Record<string, unknown> {
  const traceId = randomUUID();
  return {
    error: error.error,
    error_description: describe(error, { traceId, correlationId, now, separator: ' ' }),
    error_codes: error.errorCodes,
    timestamp: timestampOf(now),
    trace_id: traceId,
    correlation_id: correlationId,
    ...(error.code === undefined ? {} : { error_uri: errorUri(error) }),
    ...(error.suberror === undefined ? {} : { suberror: error.suberror }),
    ...(error.claims === undefined ? {} : { claims: error.claims }),
  };
}

export function describe(
  { code, message }: Pick<EntraError, 'code' | 'message'>,
  trace: { traceId: string; correlationId: string; now: number; separator: string },
): string {
  const { traceId, correlationId, now, separator } = trace;
  const lines = [`Trace ID: ${traceId}`, `Correlation ID: ${correlationId}`, `Timestamp: ${timestampOf(now)}`];
  return [code === undefined ? message : `AADSTS${code}: ${message}`, ...lines].join(separator);
}

function timestampOf(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

export function errorUri({ code }: Pick<EntraError, 'code'>): string {
  return `https://login.microsoftonline.com/error?code=${code}`;
}
