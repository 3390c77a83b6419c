import { randomUUID } from 'node:crypto';
import type { SandboxClock } from './clock.ts';
import type { EntraError } from './entra_error.ts';
import { type EntraErrorOverrides, entraError } from './entra_error.ts';

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

/**
 * - `latency`: the answer comes `milliseconds` late (default 1000).
 * - `drip`: the answer comes a few bytes at a time, over `milliseconds` (default 60000).
 * - `hang`: never an answer. `close`: the connection is cut before anything is done. `close_after`: after it was done (a refresh token rotated, the answer lost).
 * - `html`: an HTML page with `status` (default 503). `throttle`: text with 429 and Retry-After (`retryAfter`: seconds, or a date with `retryAfterDate`).
 * - `empty`: `200 {}`. `broken_json`: a valid answer cut in half. `huge`: `bytes` of JSON (default 100 MB), streamed.
 * - `redirect`: 307 to `location` (default the sandbox's own trap, which notes whether a credential followed).
 * - `error`: Entra's error body (at `graph` Graph's, with `error` as its code and `description` as its message; at `authorize` and `adminconsent`: the browser goes back to the app with it) for the AADSTS number `code`, changed by `error`, `suberror`, `status`, `claims`, `description`, `errorCodes`.
 */
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultInput extends EntraErrorOverrides {
  kind: FaultKind;
  /** How many requests it hits; default 1. */
  count?: number | undefined;
  /** How many matching requests it lets pass before. */
  after?: number | undefined;
  /** It starts only then, on the sandbox's clock. */
  startTime?: number | undefined;
  /** Username or object id. Of a browser that arrives, only what its address says is known: the login hint. */
  user?: string | undefined;
  /** Client id. */
  app?: string | undefined;
  /** `token` (default), `authorize`, `adminconsent`, `discovery`, `graph`, `outlook` or `any`. */
  endpoint?: string | undefined;
  /** The grant type. */
  grant?: string | undefined;
  /** At Graph: `getApplication`, `listApplications`, `addPassword` or `removePassword`. */
  operation?: string | undefined;
  milliseconds?: number | undefined;
  bytes?: number | undefined;
  /** Seconds; `null`: no Retry-After at all. */
  retryAfter?: number | null | undefined;
  retryAfterDate?: boolean | undefined;
  location?: string | undefined;
  /** The AADSTS number of `error`. */
  code?: number | undefined;
}

export interface Fault extends FaultInput {
  id: string;
  remaining: number;
  passing: number;
}

/** What a request is known to be before it is worked on. */
export interface RequestTraits {
  endpoint: string;
  grant?: string | undefined;
  operation?: string | undefined;
  clientId?: string | undefined;
  username?: string | undefined;
  userObjectId?: string | undefined;
}

export interface Faults {
  inject(input: FaultInput): Fault;
  /** The first fault that fits; uses one of its count up. */
  take(traits: RequestTraits): Fault | undefined;
  list(): Fault[];
  clear(): void;
}

export function createFaults(clock: SandboxClock): Faults {
  let faults: Fault[] = [];
  return {
    inject(input) {
      const fault: Fault = { ...input, id: randomUUID(), remaining: input.count ?? 1, passing: input.after ?? 0 };
      faults.push(fault);
      return fault;
    },
    take(traits) {
      for (const fault of faults) {
        if (!fits(fault, traits) || (fault.startTime ?? 0) > clock.now()) continue;
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
    list: () => [...faults],
    clear() {
      faults = [];
    },
  };
}

function fits(fault: FaultInput, traits: RequestTraits): boolean {
  const endpoint = fault.endpoint ?? 'token';
  if (endpoint !== 'any' && endpoint !== traits.endpoint) return false;
  if (fault.grant !== undefined && fault.grant !== traits.grant) return false;
  if (fault.operation !== undefined && fault.operation !== traits.operation) return false;
  if (fault.app !== undefined && fault.app.toLowerCase() !== traits.clientId?.toLowerCase()) return false;
  if (fault.user === undefined) return true;
  const user = fault.user.toLowerCase();
  return user === traits.username?.toLowerCase() || user === traits.userObjectId?.toLowerCase();
}

export function errorOf(fault: Fault): EntraError {
  const overrides: EntraErrorOverrides = {
    error: fault.error,
    suberror: fault.suberror,
    status: fault.status,
    claims: fault.claims,
    description: fault.description,
    errorCodes: fault.errorCodes,
  };
  return entraError(fault.code ?? fault.errorCodes?.[0] ?? 90033, { user: fault.user ?? '' }, overrides);
}
