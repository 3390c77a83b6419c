import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type EntraError, entraError, errorOverrides } from '../errors/entra_error.ts';
import type { SandboxClock } from '../movable_clock.ts';
import type { RequestRecord } from '../state/request_log.ts';

/**
 * - `latency`: the response comes `milliseconds` late (default 1000).
 * - `drip`: the response comes a few bytes at a time, over `milliseconds` (default 60000).
 * - `hang`: no response. `close`: the connection is closed before any work. `close_after`: it is closed after the work (a
 *   refresh token has rotated, the response is lost).
 * - `html`: an HTML page with `status` (default 503). `throttle`: text with 429 and Retry-After.
 * - `empty`: `200 {}`. `broken_json`: a valid response cut in half. `huge`: `bytes` of JSON (default 100 MB), streamed.
 * - `redirect`: 307 to `location` (default: the sandbox's own trap, which notes whether a credential followed).
 * - `error`: Entra's error body for the AADSTS number `code`, changed by `error`, `suberror` (null: none), `status`, `claims`,
 *   `description` and `errorCodes`; `error` without `code`: no number. At `graph` it is Graph's error body with `error` as code
 *   and `description` as message. At `authorize` and `adminconsent` the browser returns to the app with the error.
 */
export const FAULT_KINDS = [
  'latency',
  'drip',
  'hang',
  'close',
  'close_after',
  'html',
  'throttle',
  'empty',
  'broken_json',
  'huge',
  'redirect',
  'error',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Operations of Graph at which faults and gates can be aimed. */
export const graphOperation = z.enum([
  'getApplication',
  'listApplications',
  'addPassword',
  'removePassword',
  'addKey',
  'removeKey',
]);
const text = z.string().min(1);

export const faultInput = errorOverrides.extend({
  kind: z.enum(FAULT_KINDS),
  /** Number of requests that it affects; default 1. */
  count: z.int().min(1).optional(),
  /** It affects all requests until it is removed. */
  untilRemoved: z.boolean().optional(),
  /** Number of matching requests that pass before it. */
  after: z.int().min(0).optional(),
  /** It starts at this time of the sandbox's clock. */
  startTime: z.number().optional(),
  /** Username or object id. At the authorize endpoint only the login hint is known. */
  user: text.optional(),
  /** Client id. */
  app: text.optional(),
  /** Id or domain of the directory of the requested tokens. At `common`: that of the code or refresh token. */
  directory: text.optional(),
  /** Segment of the path: `common`, `organizations`, `consumers`, or the id of a directory. */
  authority: text.optional(),
  /** Resource of the first scope, such as `https://outlook.office.com`. */
  resource: text.optional(),
  /** Key id of a secret (or the secret itself) or of a certificate; issuer of a federated assertion. */
  credential: text.optional(),
  /** Default `token`. */
  endpoint: z.enum(['token', 'authorize', 'adminconsent', 'discovery', 'graph', 'outlook', 'any']).optional(),
  /** The `grant_type`. */
  grant: text.optional(),
  operation: graphOperation.optional(),
  milliseconds: z.number().min(0).optional(),
  bytes: z.number().min(0).optional(),
  /** Seconds; `null`: no Retry-After. */
  retryAfter: z.number().nullable().optional(),
  /** Retry-After is a date. */
  retryAfterDate: z.boolean().optional(),
  location: text.optional(),
  /** The AADSTS number of `error`. */
  code: z.int().optional(),
});
export type FaultInput = z.input<typeof faultInput>;

export interface Fault extends FaultInput {
  id: string;
  remaining: number;
  passing: number;
}

export type Faults = ReturnType<typeof createFaults>;

/** `canonical`: the one name of a directory, resource or credential that has several. */
export function createFaults(
  clock: SandboxClock,
  canonical: Record<'directory' | 'resource' | 'credential', (name: string) => string>,
) {
  let faults: Fault[] = [];
  return {
    inject(input: FaultInput): Fault {
      const { directory, resource, credential } = input;
      const fault: Fault = {
        ...input,
        directory: directory === undefined ? undefined : canonical.directory(directory),
        resource: resource === undefined ? undefined : canonical.resource(resource),
        credential: credential === undefined ? undefined : canonical.credential(credential),
        id: randomUUID(),
        remaining: input.untilRemoved === true ? Number.POSITIVE_INFINITY : (input.count ?? 1),
        passing: input.after ?? 0,
      };
      faults.push(fault);
      return fault;
    },
    /** The first fault that matches the request; counts it. */
    take(request: RequestRecord): Fault | undefined {
      for (const fault of faults) {
        if (!matches(fault, request) || (fault.startTime ?? 0) > clock.now()) continue;
        if (fault.passing > 0) {
          fault.passing -= 1;
          continue;
        }
        fault.remaining -= 1;
        if (fault.remaining <= 0) faults = faults.filter((other) => other !== fault);
        return fault;
      }
      return undefined;
    },
    list: (): Fault[] => [...faults],
    /** False: no fault has that id. */
    remove(id: string): boolean {
      const before = faults.length;
      faults = faults.filter((fault) => fault.id !== id);
      return faults.length < before;
    },
    clear(): void {
      faults = [];
    },
  };
}

function matches(fault: Fault, request: RequestRecord): boolean {
  const { endpoint = 'token', user } = fault;
  const isSame = (wanted: string | undefined, actual: string | undefined) =>
    wanted === undefined || wanted.toLowerCase() === actual?.toLowerCase();
  return (
    (endpoint === 'any' || endpoint === request.endpoint) &&
    isSame(fault.grant, request.grant) &&
    isSame(fault.operation, request.operation) &&
    isSame(fault.app, request.clientId) &&
    isSame(fault.directory, request.directoryId) &&
    isSame(fault.authority, request.directory) &&
    isSame(fault.resource, request.resource) &&
    isSame(fault.credential, request.credential) &&
    (isSame(user, request.username) || isSame(user, request.userObjectId))
  );
}

/** The error of a fault of kind `error`. */
export function errorOf(fault: Fault, request: RequestRecord): EntraError {
  const facts = {
    user: request.username ?? fault.user ?? '',
    client: request.clientId ?? '',
    directory: request.directoryId ?? request.directory ?? '',
    resource: request.resource ?? '',
  };
  const usual = fault.error === undefined ? 90033 : undefined;
  return entraError(fault.code ?? fault.errorCodes?.[0] ?? usual, facts, fault);
}
