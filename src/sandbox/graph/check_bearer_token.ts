import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { SandboxRequest } from '../http/http_request.ts';
import { openOpaque, PERSONAL_ACCESS_TOKEN } from '../state/opaque_token_encryption.ts';
import type { Resource } from '../state/protected_resources.ts';
import type { SandboxState } from '../state/sandbox_state.ts';

/** The bearer of a valid token. */
export interface Bearer {
  claims: JWTPayload;
  /** Delegated permissions; empty for an app's own token. */
  permissions: Set<string>;
  /** App roles; empty for a user's token. */
  roles: Set<string>;
  objectId: string;
  clientId: string;
  /** The directory that issued the token. */
  directoryId: string;
}

export type BearerFault = 'missing' | 'malformed' | 'bad_signature' | 'expired' | 'wrong_audience' | 'challenged';

export class BearerError extends Error {
  override readonly name = 'BearerError';
  readonly fault: BearerFault;

  constructor(fault: BearerFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Accepts only unexpired tokens of this sandbox for a resource of the family. */
export async function checkBearer(
  state: SandboxState,
  request: SandboxRequest,
  family: Resource['family'],
): Promise<Bearer> {
  const token = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new BearerError('missing', 'Access token is empty.');
  return checkBearerToken(state, token, family);
}

export async function checkBearerToken(
  state: SandboxState,
  token: string,
  family: Resource['family'],
): Promise<Bearer> {
  const claims = await verified(state, token);
  const audience = typeof claims.aud === 'string' ? state.resources.find(claims.aud) : undefined;
  if (audience?.family !== family)
    throw new BearerError('wrong_audience', 'Access token validation failure. Invalid audience.');
  return {
    claims,
    permissions: new Set(String(claims['scp'] ?? '').split(' ')),
    roles: new Set(Array.isArray(claims['roles']) ? claims['roles'].map(String) : []),
    objectId: String(claims['oid'] ?? ''),
    clientId: String(claims['appid'] ?? ''),
    directoryId: String(claims['tid'] ?? ''),
  };
}

/** The app of an unchecked token. */
export function appOf(request: SandboxRequest): string | undefined {
  try {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const { appid } = openOpaque<JWTPayload>(PERSONAL_ACCESS_TOKEN, token) ?? decodeJwt<{ appid?: unknown }>(token);
    return typeof appid === 'string' ? appid : undefined;
  } catch {
    return undefined;
  }
}

async function verified(state: SandboxState, token: string): Promise<JWTPayload> {
  const opaque = openOpaque<JWTPayload>(PERSONAL_ACCESS_TOKEN, token);
  if (opaque !== undefined) {
    if ((opaque.exp ?? 0) * 1000 <= state.clock.now()) throw expired();
    return opaque;
  }
  try {
    decodeJwt(token);
  } catch {
    throw new BearerError('malformed', 'CompactToken parsing failed with error code: 80049217');
  }
  try {
    const { signingKey, clock } = state;
    const options = { currentDate: new Date(clock.now()), algorithms: [signingKey.algorithm] };
    return (await jwtVerify(token, signingKey.publicKey, options)).payload;
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw expired();
    throw new BearerError('bad_signature', 'Access token validation failure. Signature is invalid.');
  }
}

function expired(): BearerError {
  return new BearerError('expired', 'Lifetime validation failed, the token is expired.');
}
