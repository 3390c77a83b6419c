import type { App } from '../../model/entra_app.ts';
import { GUID } from '../../model/id_patterns.ts';
import type { Secret } from '../../model/secret.ts';
import type { Authority } from '../entra_endpoints.ts';
import type { JsonObject } from '../json_object.ts';
import type { RawTokenResponse } from '../raw_response.ts';
import { type GrantContext, idTokenClaims, isForAnother } from './parse_granted_token.ts';

export interface ResponseContext extends Pick<GrantContext, 'resource' | 'graph'> {
  readonly app: App;
  readonly authority: Authority;
  readonly nonce: Secret | undefined;
}

/**
 * The part of a token response that contradicts the request; undefined: none. TLS replaces the check of the id_token's
 * signature, but not of its audience and issuer (OpenID Connect Core 3.1.3.7). A response that a gateway mixed up must
 * not serve another connection.
 */
export function contradictionIn(
  response: RawTokenResponse,
  context: ResponseContext,
  claims = idTokenClaims(response),
): 'nonce' | 'aud' | 'iss' | 'tid' | 'scope' | undefined {
  // Else an attacker could inject the code of another sign-in.
  if (context.nonce !== undefined && claims?.['nonce'] !== context.nonce.reveal()) return 'nonce';
  return (claims && ofIdToken(claims, context)) ?? (isForAnother(response, context) ? 'scope' : undefined);
}

/** https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference */
function ofIdToken({ aud, iss, tid }: JsonObject, { app, authority }: ResponseContext) {
  if (typeof aud !== 'string' || aud.toLowerCase() !== app.clientId.toLowerCase()) return 'aud';
  // It distinguishes accounts.
  if (typeof tid !== 'string' || !GUID.test(tid)) return 'tid';
  // The issuer of cloud CUSTOM is not configured.
  const isIssuer =
    typeof iss === 'string' &&
    (app.cloud === 'CUSTOM' ? iss.endsWith(`/${tid}/v2.0`) : iss === `${authority.origin}/${tid}/v2.0`);
  return isIssuer ? undefined : 'iss';
}
