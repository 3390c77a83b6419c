import type { UsableCredential } from '../../model/app_credential.ts';
import type { Clock, Duration, Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import { isVaultError, type Reason } from '../../model/errors.ts';
import type { AssertionFiles } from '../../model/federated_assertion_files.ts';
import type { KeyVaultCertificates } from '../../model/key_vault_certificates.ts';
import type { SecretSource } from '../../model/key_vault_secret_reader_interface.ts';
import type { ManagedIdentities } from '../../model/managed_identities.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import { createCertificateAssertions } from './client_assertion_signer.ts';
import { createKeyVaultAssertions } from './key_vault_assertion_signer.ts';
import { createVersionedSecrets, type SecretReference } from './key_vault_secret_versions.ts';
import type { ClientAuthentication } from './request_token_through_msal.ts';

export type ClientAuthentications = ReturnType<typeof createClientAuthentications>;

export interface AlternativeAuthentication {
  readonly authentication: ClientAuthentication;
  /** False: the secret before the newest, which Entra accepted; the newest may not have reached all of Entra. */
  readonly isNewest: boolean;
}

/** The credential cannot be presented now; no request was sent. */
export interface Unusable {
  /** KEY_SOURCE_UNAVAILABLE or FIELD_INVALID from the source. Undefined: an unreadable file or a broken key. */
  readonly unusable: Reason | undefined;
  /** The vault's message about it; undefined as above. */
  readonly message: string | undefined;
}

export interface ClientAuthenticationRequest {
  readonly app: App;
  readonly tokenEndpoint: string;
  /** Longest wait for a key vault or a file. */
  readonly timeout: Duration;
}

export const noManagedIdentities: Pick<ManagedIdentities, 'token'> = {
  token: async () => {
    throw new Error('no managed identities are configured');
  },
};

export const noKeyVaultCertificates: Pick<KeyVaultCertificates, 'sign'> = {
  sign: async () => {
    throw new Error('no key vaults are configured');
  },
};

/** Creates the client authentication of a token request (RFC 6749, 2.3) from a credential. */
export function createClientAuthentications(parts: {
  clock: Clock;
  secretSource: SecretSource;
  assertionFiles: Pick<AssertionFiles, 'read'>;
  managedIdentities: Pick<ManagedIdentities, 'token'>;
  certificates: Pick<KeyVaultCertificates, 'sign'>;
  metrics: EntraMetrics;
  log: Log;
}) {
  const { clock, metrics, log } = parts;
  const certificateAssertion = createCertificateAssertions(clock);
  const keyVaultAssertion = createKeyVaultAssertions(parts);
  const secrets = createVersionedSecrets(parts);
  /** Each is logged once, until it can be presented again or its app is loaded again. */
  const reported = new WeakSet<UsableCredential>();

  async function authenticate(
    { credential, material }: UsableCredential,
    { app, tokenEndpoint, timeout }: ClientAuthenticationRequest,
  ): Promise<ClientAuthentication> {
    switch (material.kind) {
      case 'CLIENT_SECRET':
        return { clientSecret: material.clientSecret };
      case 'CERTIFICATE': {
        const { uid: credentialUid } = credential;
        const { certificateChain, privateKey } = material;
        const { clientId } = app;
        const request = { clientId, tokenEndpoint, credentialUid, certificateChain, privateKey };
        return { assertion: await certificateAssertion(request) };
      }
      case 'FEDERATED': {
        const file = { tenantId: app.tenantId, path: material.assertionFile };
        return { assertion: await parts.assertionFiles.read(file, timeout) };
      }
      case 'MANAGED_IDENTITY': {
        const { tenantId, cloud } = app;
        return {
          assertion: await parts.managedIdentities.token({ tenantId, cloud, clientId: material.clientId }, timeout),
        };
      }
      case 'KEY_VAULT_CERTIFICATE': {
        const { certificate, keyUri } = material;
        const request = { clientId: app.clientId, tokenEndpoint, credentialUid: credential.uid, certificate, keyUri };
        return { assertion: await keyVaultAssertion(request, timeout) };
      }
      case 'KEY_VAULT_SECRET': {
        const reference = { credentialUid: credential.uid, secretUri: material.secretUri };
        return { clientSecret: await secrets.read(reference, timeout) };
      }
    }
  }

  return {
    async create(
      usable: UsableCredential,
      request: ClientAuthenticationRequest,
    ): Promise<ClientAuthentication | Unusable> {
      try {
        const authentication = await authenticate(usable, request);
        reported.delete(usable);
        return authentication;
      } catch (error) {
        metrics.credentialUnusable(request.app);
        // Messages of other errors may quote the secret.
        const known = isVaultError(error) ? error : undefined;
        if (!reported.has(usable)) {
          reported.add(usable);
          const { credentialId: credential, kind } = usable.credential;
          const app = appName(request.app);
          log.event('warn', 'entra_credential_unusable', { app, credential, kind, reason: known?.reason ?? '' });
        }
        return { unusable: known?.reason, message: known?.message };
      }
    },
    /** After a refusal: another version of a secret in a key vault, if there is one. */
    async alternative(
      usable: UsableCredential,
      refused: ClientAuthentication,
      timeout: Duration,
    ): Promise<AlternativeAuthentication | undefined> {
      const reference = referenceOf(usable);
      if (reference === undefined || !('clientSecret' in refused)) return undefined;
      const other = await secrets.alternative(reference, refused.clientSecret, timeout);
      return other && { authentication: { clientSecret: other.secret }, isNewest: other.isNewest };
    },
    accepted(usable: UsableCredential, authentication: ClientAuthentication) {
      const reference = referenceOf(usable);
      if (reference === undefined || !('clientSecret' in authentication)) return;
      secrets.accepted(reference, authentication.clientSecret);
    },
    /** Since when Entra may know what is presented. */
    newSince({ credential: { uid, createTime } }: UsableCredential): Timestamp {
      return Math.max(createTime, secrets.renewTime(uid) ?? 0);
    },
  };
}

function referenceOf({ credential, material }: UsableCredential): SecretReference | undefined {
  if (material.kind !== 'KEY_VAULT_SECRET') return undefined;
  return { credentialUid: credential.uid, secretUri: material.secretUri };
}
