import { randomUUID } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import type { EntraError } from '../errors/entra_error.ts';
import { type EntraErrorOverrides, entraError } from '../errors/entra_error.ts';

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
 * - `error`: Entra's error body (at `graph` Graph's, with `error` as its code and `description` as its message; at `authorize` and `adminconsent`: the browser goes back to the app with it) for the AADSTS number `code`, as Entra says it under that `error`, changed by `suberror` (null: none), `status`, `claims`, `description`, `errorCodes`; `error` without `code`: no number at all.
 */
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultInput extends EntraErrorOverrides {
  kind: FaultKind;
  /** How many requests it hits; default 1. */
  count?: number | undefined;
  /** It hits all of them, until it is removed. */
  untilRemoved?: boolean | undefined;
  /** How many matching requests it lets pass before. */
  after?: number | undefined;
  /** It starts only then, on the sandbox's clock. */
  startTime?: number | undefined;
  /** Username or object id. Of a browser that arrives, only what its address says is known: the login hint. */
  user?: string | undefined;
  /** Client id. */
  app?: string | undefined;
  /** Id or domain of the directory for which tokens are asked. At `common`: that of the code or refresh token. */
  directory?: string | undefined;
  /** The word in the address: `common`, `organizations`, `consumers`, or a directory's id. */
  authority?: string | undefined;
  /** Of the first scope, as `https://outlook.office.com`. */
  resource?: string | undefined;
  /** Key id of a secret (or the secret itself) or of a certificate; issuer of a federated assertion. */
  credential?: string | undefined;
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
  correlationId?: string | undefined;
  grant?: string | undefined;
  operation?: string | undefined;
  clientId?: string | undefined;
  username?: string | undefined;
  userObjectId?: string | undefined;
  directoryId?: string | undefined;
  /** The authority: the word in the address. */
  directory?: string | undefined;
  resource?: string | undefined;
  credential?: string | undefined;
}

/** The one name of a thing that goes by several. */
export interface CanonicalNames {
  directory(name: string): string;
  resource(name: string): string;
  credential(name: string): string;
}

export interface Faults {
  inject(input: FaultInput): Fault;
  /** The first fault that fits; uses one of its count up. */
  take(traits: RequestTraits): Fault | undefined;
  list(): Fault[];
  /** False: no fault has that id. */
  remove(id: string): boolean;
  clear(): void;
}

export function createFaults(clock: SandboxClock, names: CanonicalNames): Faults {
  let faults: Fault[] = [];
  return {
    inject(input) {
      const { directory, resource, credential } = input;
      const fault: Fault = {
        ...input,
        directory: directory === undefined ? undefined : names.directory(directory),
        resource: resource === undefined ? undefined : names.resource(resource),
        credential: credential === undefined ? undefined : names.credential(credential),
        id: randomUUID(),
        remaining: input.untilRemoved === true ? Number.POSITIVE_INFINITY : (input.count ?? 1),
        passing: input.after ?? 0,
      };
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
    remove(id) {
      const before = faults.length;
      faults = faults.filter((fault) => fault.id !== id);
      return faults.length < before;
    },
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
  if (fault.directory !== undefined && fault.directory !== traits.directoryId) return false;
  if (fault.authority !== undefined && fault.authority.toLowerCase() !== traits.directory?.toLowerCase()) return false;
  if (fault.resource !== undefined && fault.resource !== traits.resource) return false;
  if (fault.credential !== undefined && fault.credential !== traits.credential) return false;
  if (fault.user === undefined) return true;
  const user = fault.user.toLowerCase();
  return user === traits.username?.toLowerCase() || user === traits.userObjectId?.toLowerCase();
}

export function errorOf(fault: Fault, traits: RequestTraits): EntraError {
  const overrides: EntraErrorOverrides = {
    error: fault.error,
    suberror: fault.suberror,
    status: fault.status,
    claims: fault.claims,
    description: fault.description,
    errorCodes: fault.errorCodes,
  };
  const facts = {
    user: traits.username ?? fault.user ?? '',
    client: traits.clientId ?? '',
    directory: traits.directoryId ?? traits.directory ?? '',
    resource: traits.resource ?? '',
  };
  const usual = fault.error === undefined ? 90033 : undefined;
  return entraError(fault.code ?? fault.errorCodes?.[0] ?? usual, facts, overrides);
}
