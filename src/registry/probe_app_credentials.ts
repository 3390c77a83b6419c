import type { CredentialProbe } from '../entra/entra_client_interface.ts';
import { type Credential, credentialState } from '../model/app_credential.ts';
import { type Duration, SECOND, type Timestamp } from '../model/clock.ts';
import { type CredentialRole, presentOrder, rolesOf } from '../model/credential_presentation_order.ts';
import { type App, registrationDirectory } from '../model/entra_app.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { FederatedTrust } from '../model/managed_identities.ts';
import type { RegistryParts } from './registry_dependencies.ts';

/** The result of presenting a credential to Entra, in the terms of the API. */
export interface ProbeReport {
  readonly credentialId: string;
  /** SKIPPED: no known directory, or nothing stored to present. UNKNOWN: no conclusive response. */
  readonly outcome: 'ACCEPTED' | 'REJECTED' | 'PROPAGATING' | 'UNKNOWN' | 'SKIPPED';
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  /** What happened and what to do next. */
  readonly message: string;
  readonly time: Timestamp;
  /** For a managed identity: what the app registration must trust. Undefined: the host provides no token. */
  readonly trust?: FederatedTrust | undefined;
}

/** Presents each credential to Entra; failures are reported, never thrown. `directoryId`: instead of the app's own directory. */
export async function probeApp(
  parts: Pick<RegistryParts, 'authorizationServer' | 'managedIdentities' | 'clock'>,
  app: App,
  credentials: readonly Credential[],
  directoryId?: string,
): Promise<readonly ProbeReport[]> {
  const reports = await probeAll(parts, app, credentials, directoryId);
  return Promise.all(
    reports.map(async (report) => {
      const credential = credentials.find(({ credentialId }) => credentialId === report.credentialId);
      if (credential?.kind !== 'MANAGED_IDENTITY') return report;
      const { tenantId, cloud } = app;
      const identity = { tenantId, cloud, clientId: credential.hint };
      return withTrust(report, await parts.managedIdentities.trust(identity, TRUST_TIMEOUT).catch(() => undefined));
    }),
  );
}

/** Entra accepts a federated credential with a wrong issuer or subject, and fails at the first exchange. */
function withTrust(report: ProbeReport, trust: FederatedTrust | undefined): ProbeReport {
  if (trust === undefined || report.outcome === 'ACCEPTED') return { ...report, trust };
  const { issuer, subject, audience } = trust;
  const expected = `The app registration must have a federated credential with issuer ${issuer}, subject ${subject} and audience ${audience}, exactly.`;
  return { ...report, trust, message: `${report.message} ${expected}` };
}

const TRUST_TIMEOUT: Duration = 5 * SECOND;

async function probeAll(
  { authorizationServer, clock }: Pick<RegistryParts, 'authorizationServer' | 'clock'>,
  app: App,
  credentials: readonly Credential[],
  directoryId?: string,
): Promise<readonly ProbeReport[]> {
  const directory = directoryId ?? registrationDirectory(app);
  if (credentials.length === 0) return [];
  if (directory === undefined) return credentials.map((credential) => notProbed(credential, clock.now()));
  try {
    const probes = await authorizationServer.probe(app, directory);
    return credentials.map((credential) => {
      const probe = probes.find(({ credentialId }) => credentialId === credential.credentialId);
      return reportOf(credential, probe, clock.now());
    });
  } catch (error) {
    const reason = isVaultError(error) ? error.reason : 'INTERNAL';
    return credentials.map((credential) => noResponse(credential, reason, clock.now()));
  }
}

export function notProbed(credential: Credential, time: Timestamp, validateOnly = false): ProbeReport {
  const message = validateOnly
    ? 'The credential was neither stored nor presented to Entra.'
    : 'The credential was not checked, because the directory of the app is unknown. Set home_directory_id with UpdateApp, or pass directory_id to VerifyApp; otherwise the first user who connects reveals it.';
  return { ...blank(credential, time), outcome: 'SKIPPED', message };
}

function noResponse(credential: Credential, reason: Reason, time: Timestamp): ProbeReport {
  const message = 'The credential is stored, but Entra did not confirm it. Check it again with VerifyApp.';
  return { ...blank(credential, time), outcome: 'UNKNOWN', reason, message };
}

function reportOf(credential: Credential, probe: CredentialProbe | undefined, time: Timestamp): ProbeReport {
  if (probe === undefined) return noResponse(credential, 'ENTRA_UNAVAILABLE', time);
  const { entraError, correlationId, unusable } = probe;
  if (unusable !== undefined) {
    const message = `The credential could not be presented to Entra. ${unusable.message ?? UNUSABLE[credential.kind]}`;
    return { ...blank(credential, time), outcome: 'UNKNOWN', reason: unusable.reason, message };
  }
  const seen = { ...blank(credential, time), entraError, correlationId };
  switch (probe.outcome) {
    case 'VALID':
      return { ...seen, outcome: 'ACCEPTED', message: 'Entra accepts the credential.' };
    case 'REJECTED':
      return { ...seen, outcome: 'REJECTED', ...rejection(credential, entraError, time) };
    case 'PROPAGATING':
      return {
        ...seen,
        outcome: 'PROPAGATING',
        reason: 'APP_CREDENTIAL_PROPAGATING',
        message:
          'Entra does not accept the credential yet. A new one needs up to 15 minutes; the vault retries by itself.',
      };
    case 'INCONCLUSIVE':
      if (probe.reason === 'BLOCKED_BY_POLICY') {
        const message = `Entra did not check the credential, because the directory blocks the app (${entraError}). Ask its administrator.`;
        return { ...seen, outcome: 'UNKNOWN', reason: 'BLOCKED_BY_POLICY', message };
      }
      return rejectsApp(entraError)
        ? {
            ...seen,
            outcome: 'REJECTED',
            reason: 'APP_MISCONFIGURED',
            message: `Entra rejects the app itself (${entraError}). Check the client id, and that the directory has the app.`,
          }
        : { ...noResponse(credential, 'ENTRA_UNAVAILABLE', time), entraError, correlationId };
  }
}

const UNUSABLE = {
  CLIENT_SECRET: 'The stored secret is unusable. Add it again with AddCredential.',
  CERTIFICATE: 'The private key cannot sign. Add the certificate again with AddCredential.',
  FEDERATED: 'The assertion file cannot be read. Check that it exists and that the vault may read it.',
  MANAGED_IDENTITY:
    'The host of the vault provides no token of the managed identity. Check that the identity is assigned to the host.',
  KEY_VAULT_CERTIFICATE: 'The key vault did not sign. Check the key of the certificate there.',
  KEY_VAULT_SECRET: 'The key vault returned no usable secret. Check the secret there.',
} as const satisfies Record<Credential['kind'], string>;

/** Error codes that mean a wrong registration; others are transient. */
function rejectsApp(entraError: string | undefined): boolean {
  return /^(unauthorized_client|invalid_client|invalid_scope|invalid_resource)(\/|$)/.test(entraError ?? '');
}

function rejection(
  credential: Credential,
  entraError: string | undefined,
  now: Timestamp,
): { reason: Reason; message: string } {
  // AADSTS7000222: the secret is expired, whatever date an operator copied.
  if (credentialState(credential, now) === 'EXPIRED' || entraError?.includes('7000222')) {
    return { reason: 'APP_CREDENTIAL_EXPIRED', message: 'The credential expired. Add a new one with AddCredential.' };
  }
  const codes = entraError === undefined ? '' : ` (${entraError})`;
  const check =
    credential.kind === 'CLIENT_SECRET' || credential.kind === 'KEY_VAULT_SECRET'
      ? 'Check that it is the "Value" of the secret, not its "Secret ID", and that it belongs to this client id'
      : 'Check that the app registration lists it, and that it belongs to this client id';
  return { reason: 'APP_CREDENTIAL_REJECTED', message: `Entra rejects the credential${codes}. ${check}.` };
}

function blank({ credentialId }: Credential, time: Timestamp) {
  return { credentialId, reason: undefined, entraError: undefined, correlationId: undefined, time };
}

/** Adds to each message when the credential is presented from now on. `credentials`: all of the app, after the probe. */
export function withRoles(
  probes: readonly ProbeReport[],
  credentials: readonly Credential[],
  now: Timestamp,
): readonly ProbeReport[] {
  const roles = rolesOf(credentials, now);
  const [first] = presentOrder(credentials, now);
  if (first === undefined) return probes;
  return probes.map((probe) => {
    const credential = credentials.find(({ credentialId }) => credentialId === probe.credentialId);
    const role = credential && roles.get(credential.uid);
    if (role === undefined) return probe;
    // Rejected credentials sort last: if the first one is rejected, all are.
    const use =
      first.verdict === 'REJECTED'
        ? 'The app has no working credential.'
        : `It is ${USES[first.uid === credential?.uid ? 'PREFERRED' : role](first.credentialId)}.`;
    return { ...probe, message: `${probe.message} ${use}` };
  });
}

const USES = {
  PREFERRED: () => 'presented first',
  FALLBACK: (first) => `presented when Entra rejects ${first}`,
  TRIAL: (first) =>
    `on trial: presented first in some exchanges until it has proved itself; otherwise ${first} is used`,
  PROBING: (first) => `presented only when no other credential works; ${first} is used`,
  NONE: () => 'not presented now, because of its validity period',
} as const satisfies Record<CredentialRole, (first: string) => string>;
