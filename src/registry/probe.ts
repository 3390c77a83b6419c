import type { CredentialProbe } from '../entra/authorization_server.ts';
import { type App, registrationDirectory } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import { type Credential, credentialState } from '../model/credential.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { RegistryParts } from './registry_parts.ts';

/** What came of presenting a credential to Entra, in the words of the API. */
export interface ProbeReport {
  readonly credentialId: string;
  /** SKIPPED: no directory to ask, or nothing stored to present. UNKNOWN: no answer could be had. */
  readonly outcome: 'ACCEPTED' | 'REJECTED' | 'PROPAGATING' | 'UNKNOWN' | 'SKIPPED';
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  /** One sentence: what happened and what to do next. */
  readonly message: string;
  readonly time: Timestamp;
}

/**
 * Presents each credential. Whatever goes wrong is part of the answer: what was stored before stays stored.
 * `directoryId` is asked where nobody said where the app is registered.
 */
export async function probeApp(
  { authorizationServer, clock }: Pick<RegistryParts, 'authorizationServer' | 'clock'>,
  app: App,
  credentials: readonly Credential[],
  directoryId?: string,
): Promise<readonly ProbeReport[]> {
  const directory = directoryId ?? registrationDirectory(app);
  if (credentials.length === 0) return [];
  if (directory === undefined) return credentials.map((credential) => notAsked(credential, clock.now()));
  try {
    const probes = await authorizationServer.probe(app, directory);
    return credentials.map((credential) => {
      const probe = probes.find(({ credentialId }) => credentialId === credential.credentialId);
      return reportOf(credential, probe, clock.now());
    });
  } catch (error) {
    const reason = isVaultError(error) ? error.reason : 'INTERNAL';
    return credentials.map((credential) => noAnswer(credential, reason, clock.now()));
  }
}

/** No directory is known, or nothing is stored yet that could be presented. */
export function notAsked(credential: Credential, time: Timestamp, validateOnly = false): ProbeReport {
  const message = validateOnly
    ? 'Nothing was stored, so nothing was presented to Entra.'
    : 'No directory is known to ask: give home_directory_id with UpdateApp, or directory_id with VerifyApp; else the first user who connects shows one.';
  return { ...blank(credential, time), outcome: 'SKIPPED', message };
}

function noAnswer(credential: Credential, reason: Reason, time: Timestamp): ProbeReport {
  const message = 'Entra gave no answer about the credential; it is stored all the same. Ask again with VerifyApp.';
  return { ...blank(credential, time), outcome: 'UNKNOWN', reason, message };
}

function reportOf(credential: Credential, probe: CredentialProbe | undefined, time: Timestamp): ProbeReport {
  if (probe === undefined) return noAnswer(credential, 'ENTRA_UNAVAILABLE', time);
  const { entraError, correlationId, unusable } = probe;
  if (unusable !== undefined) {
    const message = `Nothing could be presented to Entra, which was not asked: ${unusable.message ?? OF_NO_USE[credential.kind]}`;
    return { ...blank(credential, time), outcome: 'UNKNOWN', reason: unusable.reason, message };
  }
  const seen = { ...blank(credential, time), entraError, correlationId };
  switch (probe.outcome) {
    case 'VALID':
      return { ...seen, outcome: 'ACCEPTED', message: 'Entra took the credential.' };
    case 'REJECTED':
      return { ...seen, outcome: 'REJECTED', ...rejection(credential, entraError, time) };
    case 'PROPAGATING':
      return {
        ...seen,
        outcome: 'PROPAGATING',
        reason: 'APP_CREDENTIAL_PROPAGATING',
        message:
          'Entra does not take the credential yet; a new one needs up to 15 minutes. It is tried again by itself.',
      };
    case 'INCONCLUSIVE':
      if (probe.reason === 'BLOCKED_BY_POLICY') return { ...seen, ...blocked(entraError) };
      return refusesApp(entraError)
        ? {
            ...seen,
            outcome: 'REJECTED',
            reason: 'APP_MISCONFIGURED',
            message: `Entra refuses the app itself (${entraError}): check the client id, and that the directory has the app.`,
          }
        : { ...noAnswer(credential, 'ENTRA_UNAVAILABLE', time), entraError, correlationId };
  }
}

const OF_NO_USE = {
  CLIENT_SECRET: 'the secret is of no use.',
  CERTIFICATE: 'the private key does not sign. Add the certificate anew with AddCredential.',
  FEDERATED: 'the assertion file cannot be read. See that it is there, and readable for the vault.',
  KEY_VAULT_SECRET: 'the key vault was of no use.',
} as const satisfies Record<Credential['kind'], string>;

function blocked(entraError: string | undefined) {
  const message = `Entra did not say whether it accepts the credential: the directory does not let the app in (${entraError}). Ask its administrator.`;
  return { outcome: 'UNKNOWN', reason: 'BLOCKED_BY_POLICY', message } as const;
}

/** The families of errors that blame the registration; others come and go. */
function refusesApp(entraError: string | undefined): boolean {
  return /^(unauthorized_client|invalid_client|invalid_scope|invalid_resource)(\/|$)/.test(entraError ?? '');
}

function rejection(
  credential: Credential,
  entraError: string | undefined,
  now: Timestamp,
): { reason: Reason; message: string } {
  // AADSTS7000222: the secret has ended. Operators copy ends wrongly; Entra knows.
  if (credentialState(credential, now) === 'EXPIRED' || entraError?.includes('7000222')) {
    return { reason: 'APP_CREDENTIAL_EXPIRED', message: 'The credential has ended; add a new one with AddCredential.' };
  }
  const codes = entraError === undefined ? '' : ` (${entraError})`;
  const check =
    credential.kind === 'CLIENT_SECRET' || credential.kind === 'KEY_VAULT_SECRET'
      ? 'check that it is the "Value" of the secret, not its "Secret ID", and that it belongs to this client id'
      : 'check that the app registration lists it, and that it belongs to this client id';
  return { reason: 'APP_CREDENTIAL_REJECTED', message: `Entra refuses the credential${codes}: ${check}.` };
}

function blank(credential: Credential, time: Timestamp) {
  return {
    credentialId: credential.credentialId,
    reason: undefined,
    entraError: undefined,
    correlationId: undefined,
    time,
  };
}
