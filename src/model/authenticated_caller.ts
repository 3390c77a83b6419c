import type { Timestamp } from './clock.ts';
import type { AccessLabels } from './tenant_labels.ts';
import type { TokenIssuer } from './token_issuer.ts';

/** `admin` reads no tokens. */
export const ROLES = ['operator', 'connector', 'token_reader', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What a caller may do, or may not do. */
export interface Rule {
  /** Names the rule in the audit log. */
  readonly id: string;
  readonly effect: 'ALLOW' | 'DENY';
  /** The methods that it is about; undefined: `actions`. */
  readonly role: Role | undefined;
  /** `TokenService/GetAccessToken`, `TokenService/*`; `*` in a DENY rule. Empty: `role`. */
  readonly actions: readonly string[];
  /** Tenant ids; `*` for all. Empty: `tenantLabels`. */
  readonly tenants: readonly string[];
  /** The tenants with all of these labels; undefined: `tenants`. */
  readonly tenantLabels: AccessLabels | undefined;
  /** Glob of connection ids; undefined: not limited to connections. */
  readonly connections: string | undefined;
  /** What a token may carry; undefined: anything. */
  readonly ceiling: ScopeCeiling | undefined;
  /** Undefined: any number of calls. */
  readonly rate: CallRate | undefined;
  /** The rule does not apply from then on. */
  readonly notAfter: Timestamp | undefined;
}

export interface ScopeCeiling {
  /** Product scopes or permissions. */
  readonly scopes: readonly string[];
  /** What happens to a token that carries more, since Entra does not narrow tokens. */
  readonly excess: 'REFUSE' | 'ALLOW';
}

/** How many calls a rule allows, on each replica. */
export interface CallRate {
  readonly perSecond: number;
  /** Calls at once, after a pause. */
  readonly burst: number;
}

/** Allows a role without limits. */
export function roleRule(id: string, role: Role, tenants: readonly string[]): Rule {
  const unlimited = {
    tenantLabels: undefined,
    connections: undefined,
    ceiling: undefined,
    rate: undefined,
    notAfter: undefined,
  };
  return { id, effect: 'ALLOW', role, actions: [], tenants, ...unlimited };
}

/** An authenticated caller. */
export interface Caller {
  readonly id: string;
  /** Of the presented credential. */
  readonly kind: 'api_key' | 'certificate' | 'token' | 'loopback';
  /** Which of the caller's credentials was presented. */
  readonly credentialId: string;
  /** Of the presented credential. Undefined: none is needed, or the callers file does not have it. */
  readonly expireTime: Timestamp | undefined;
  readonly rules: readonly Rule[];
}

/** The credentials of all callers, by the callers file. */
export interface KnownCredentials {
  readonly keys: readonly KnownKey[];
  readonly certificates: readonly KnownCertificate[];
  readonly tokens: readonly KnownToken[];
}

/** Once for each credential. */
export function callersOf({ keys, certificates, tokens }: KnownCredentials): readonly Caller[] {
  return [...keys, ...certificates, ...tokens].map(({ caller }) => caller);
}

/** The callers of one content of the callers file. */
export interface KnownCallers extends KnownCredentials {
  /** Of tokens. */
  readonly issuers: readonly TokenIssuer[];
  /** SHA-256 of the content, hex. */
  readonly sha256: string;
}

/** An API key that authenticates a caller. */
export interface KnownKey {
  /** SHA-256 of the whole API key, hex. */
  readonly sha256: string;
  readonly caller: Caller & { readonly expireTime: Timestamp };
}

/** A client certificate that authenticates a caller. */
export interface KnownCertificate {
  /** Its SPIFFE id or DNS name. */
  readonly subject: string;
  readonly caller: Caller;
}

/** JWT bearer tokens that authenticate a caller. */
export interface KnownToken {
  /** In the callers file. */
  readonly issuerId: string;
  /** A service account, the client id of an app, or a SPIFFE id. */
  readonly subject: string;
  readonly caller: Caller;
}
