import { createHash, randomBytes } from 'node:crypto';
import { Secret } from '../model/secret.ts';

/** A verifier of 43 characters (RFC 7636, section 4.1, with the recommended 32 octets) and its S256 challenge (section 4.2). */
export function mintPkce(): { readonly codeVerifier: Secret; readonly codeChallenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return {
    codeVerifier: new Secret(verifier),
    codeChallenge: createHash('sha256').update(verifier, 'ascii').digest('base64url'),
  };
}
