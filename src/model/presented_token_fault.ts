import { VaultError } from './errors.ts';

/**
 * Why a token of a caller is refused. The client gets it, because each of them is about its own token, or about what every
 * client must know to get one (issuer, audience, algorithm). Whether a caller has the subject is compared only after the
 * signature, so that only a holder of a real token learns it.
 */
export const TOKEN_FAULTS = {
  form: 'it is not a signed JWT with a key id (kid)',
  size: 'it is longer than 8 KiB',
  critical_header: 'its header has extensions (crit), which are not supported',
  issuer: 'its issuer is not configured. Check that the token is meant for this vault',
  algorithm: 'its signature algorithm is not one of its issuer',
  key: 'its issuer has no such key. Get a new token',
  signature: 'its signature is wrong. Get a new token',
  audience: 'its audience differs. Request a token for the audience of the vault, and no other',
  no_expiry: 'it has no expiry (exp)',
  expired: 'it has expired. Get a new token for each connection and before each expiry',
  not_yet_valid: 'it is not valid yet (nbf). Check the clocks',
  lifetime: 'it is valid for more than 24 hours. Request a shorter one',
  user: 'it is the token of a user. Request one of the app itself',
  subject: 'its subject has not the form that its issuer uses for callers',
  caller: 'no caller has its subject. The operator adds it to the callers file',
} as const;
export type TokenFault = keyof typeof TOKEN_FAULTS;

/** UNAUTHENTICATED */
export function tokenRefused(fault: TokenFault): VaultError {
  const message = `The token is not accepted (${fault}): ${TOKEN_FAULTS[fault]}.`;
  return new VaultError('UNAUTHENTICATED', message, { metadata: { tokenFault: fault } });
}
