import { constants, verify, X509Certificate } from 'node:crypto';
import { type BoundedCache, createBoundedCache } from '../../model/bounded_cache.ts';
import {
  type Clock,
  type Duration,
  elapsedSince,
  MINUTE,
  SECOND,
  type Timestamp,
  timeLeft,
} from '../../model/clock.ts';
import { isVaultError, VaultError } from '../../model/errors.ts';
import type { KeyVaultCertificates } from '../../model/key_vault_certificates.ts';
import { createKeyedMutex } from '../../model/keyed_mutex.ts';
import { Secret } from '../../model/secret.ts';
import { createSingleFlight } from '../../model/single_flight.ts';
import { within } from '../../model/within_timeout.ts';
import { ASSERTION_LIFETIME, assertionClaims } from './client_assertion_claims.ts';
import { signJwtInKeyVault } from './sign_jwt_in_key_vault.ts';

export interface KeyVaultAssertionRequest {
  readonly credentialUid: string;
  readonly clientId: string;
  /** The audience. */
  readonly tokenEndpoint: string;
  /** PEM. */
  readonly certificate: string;
  /** Of its private key, with a version. */
  readonly keyUri: string;
}

/** From this age on, an assertion is renewed in the background when it is used. */
const RENEW_AFTER: Duration = ASSERTION_LIFETIME - 2 * MINUTE;
/** Up to this age it is presented. Entra's clock may be ahead, and the request takes time. */
const LAST_USE: Duration = ASSERTION_LIFETIME - 30 * SECOND;
/** After a failure, so that neither exchanges nor the key vault wait for the next one. */
const LEAST_HOLD: Duration = 10 * SECOND;
const LONGEST_HOLD: Duration = 5 * MINUTE;
const MOST_CREDENTIALS = 1_000;
/** An app of many directories has an assertion for each, and must not evict those of other apps. */
const MOST_AUDIENCES = 100;

/** What is known of one credential. */
interface Signing {
  readonly assertions: BoundedCache<string, { readonly assertion: Secret; readonly signTime: Timestamp }>;
  /** No signature is requested before `endTime`. */
  failure: { readonly error: unknown; readonly endTime: Timestamp } | undefined;
}

/**
 * Client assertions that Azure Key Vault signs. They are kept for their life, so that an exchange rarely waits for the key
 * vault. A credential has one signature at a time, and its failures are its own.
 */
export function createKeyVaultAssertions({
  clock,
  certificates,
}: {
  readonly clock: Clock;
  readonly certificates: Pick<KeyVaultCertificates, 'sign'>;
}): (request: KeyVaultAssertionRequest, timeout: Duration) => Promise<Secret> {
  const signings = createBoundedCache<string, Signing>(MOST_CREDENTIALS);
  const oneAtATime = createKeyedMutex<Secret>();
  const flights = createSingleFlight<Secret>();

  function signingOf(credentialUid: string): Signing {
    const known = signings.get(credentialUid);
    if (known !== undefined) return known;
    const signing: Signing = { assertions: createBoundedCache(MOST_AUDIENCES), failure: undefined };
    signings.set(credentialUid, signing);
    return signing;
  }

  function renew(signing: Signing, request: KeyVaultAssertionRequest): Promise<Secret> {
    const { credentialUid, tokenEndpoint } = request;
    return flights.run(`${credentialUid} ${tokenEndpoint}`, () =>
      oneAtATime(credentialUid, () => signUnlessHeld(signing, request)),
    );
  }

  async function signUnlessHeld(signing: Signing, request: KeyVaultAssertionRequest): Promise<Secret> {
    const now = clock.now();
    const { failure } = signing;
    if (failure !== undefined && timeLeft(failure.endTime, now, LONGEST_HOLD) > 0) throw failure.error;
    try {
      const assertion = await signAssertion(certificates, request, now);
      signing.assertions.set(request.tokenEndpoint, { assertion, signTime: now });
      signing.failure = undefined;
      return assertion;
    } catch (error) {
      const { retryAfter = LEAST_HOLD } = isVaultError(error) ? error : {};
      const hold = Math.min(Math.max(retryAfter, LEAST_HOLD), LONGEST_HOLD);
      signing.failure = { error, endTime: clock.now() + hold };
      throw error;
    }
  }

  return async (request, timeout) => {
    const signing = signingOf(request.credentialUid);
    const kept = signing.assertions.get(request.tokenEndpoint);
    const age = kept === undefined ? ASSERTION_LIFETIME : elapsedSince(kept.signTime, clock.now());
    if (kept !== undefined && age < RENEW_AFTER) return kept.assertion;
    const renewed = renew(signing, request);
    return kept !== undefined && age < LAST_USE ? kept.assertion : within(timeout, renewed, late);
  };
}

async function signAssertion(
  certificates: Pick<KeyVaultCertificates, 'sign'>,
  { keyUri, ...subject }: KeyVaultAssertionRequest,
  now: Timestamp,
): Promise<Secret> {
  const jwt = await signJwtInKeyVault(certificates, keyUri, assertionClaims(subject, now));
  const { publicKey: key } = new X509Certificate(subject.certificate);
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  // Otherwise Entra would reject the credential for a fault of the key vault.
  if (!verify('sha256', jwt.input, { key, ...padding }, jwt.signature)) throw foreignKey(keyUri);
  return new Secret(jwt.token);
}

function foreignKey(keyUri: string): VaultError {
  const message = `The signature of ${keyUri} does not match the certificate. Add the certificate again with AddCredential.`;
  return new VaultError('KEY_SOURCE_UNAVAILABLE', message);
}

function late(): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', 'The key vault did not sign in time. Retry later.');
}
