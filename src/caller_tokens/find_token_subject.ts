import type { JWTPayload } from 'jose';
import { GUID } from '../model/id_patterns.ts';
import type { TokenFault } from '../model/presented_token_fault.ts';
import { parseSpiffeId } from '../model/spiffe_id.ts';
import {
  type EntraIssuer,
  entraIssuers,
  type SpiffeIssuer,
  serviceAccountSubject,
  type TokenIssuer,
} from '../model/token_issuer.ts';

export type TokenSubjectOrFault = { readonly subject: string } | { readonly fault: TokenFault };

/** By what a caller is found: a service account, the client id of an app, or a SPIFFE id. */
export function findTokenSubject(claims: JWTPayload, issuer: TokenIssuer): TokenSubjectOrFault {
  switch (issuer.kind) {
    case 'kubernetes':
      return ofServiceAccount(claims);
    case 'entra':
      return ofEntraApp(claims, issuer);
    case 'spiffe':
      return ofWorkload(claims, issuer);
  }
}

/** https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md, 3.1 */
function ofWorkload({ sub }: JWTPayload, { trustDomain }: SpiffeIssuer): TokenSubjectOrFault {
  const id = typeof sub === 'string' ? parseSpiffeId(sub) : undefined;
  if (sub === undefined || id?.trustDomain !== trustDomain) return { fault: 'subject' };
  return { subject: sub };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#schema-for-service-account-private-claims */
function ofServiceAccount(claims: JWTPayload): TokenSubjectOrFault {
  const { sub } = claims;
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9.-]+):([a-z0-9.-]+)$/.exec(String(sub)) ?? [];
  if (typeof sub !== 'string' || namespace === undefined || name === undefined) return { fault: 'subject' };
  const described = claims['kubernetes.io'];
  if (described !== undefined && subjectOf(described) !== sub) return { fault: 'subject' };
  return { subject: sub };
}

function subjectOf(described: unknown): string | undefined {
  const { namespace, serviceaccount } = Object(described) as { namespace?: unknown; serviceaccount?: unknown };
  const { name } = Object(serviceaccount) as { name?: unknown };
  return typeof namespace === 'string' && typeof name === 'string' ? serviceAccountSubject(namespace, name) : undefined;
}

/**
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference. All directories share the keys of
 * Entra, so `iss` and `tid` decide. A token that an app got for a user has `scp`; the `oid` and `sub` of an app's own
 * token are both its service principal.
 */
function ofEntraApp(claims: JWTPayload, issuer: EntraIssuer): TokenSubjectOrFault {
  const { iss, sub } = claims;
  const { tid, oid, scp, idtyp, azp, appid } = claims as Readonly<Record<string, unknown>>;
  if (tid !== issuer.directoryId) return { fault: 'issuer' };
  const isOfApp = idtyp === 'app' || (idtyp === undefined && oid !== undefined && oid === sub);
  if (!isOfApp || scp !== undefined) return { fault: 'user' };
  const [app, other] = iss === entraIssuers(issuer).v1 ? [appid, azp] : [azp, appid];
  if (typeof app !== 'string' || !GUID.test(app) || (other !== undefined && other !== app)) return { fault: 'subject' };
  return { subject: app.toLowerCase() };
}
