import type { App } from '../../model/app.ts';
import type { AssertionFiles } from '../../model/assertion_files.ts';
import type { Clock, Duration, Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { UsableCredential } from '../../model/credential.ts';
import { isVaultError, type Reason } from '../../model/errors.ts';
import type { Secret } from '../../model/secret.ts';
import type { SecretSource } from '../../model/secret_source.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EntraMetrics } from '../entra_metrics.ts';
import { createCertificateAssertions } from './certificate_assertion.ts';
import type { ClientAuthentication } from './msal_client.ts';
import { createVersionedSecrets, type SecretReference } from './versioned_secrets.ts';

/** Makes what an app presents to Entra out of a credential. */
export interface ClientAuthentications {
  make(usable: UsableCredential, request: ClientAuthenticationRequest): Promise<ClientAuthentication | Unusable>;
  /** Entra refused it: what else may do, of a secret that lies in a key vault and was renewed there. Undefined: nothing. */
  alternative(
    usable: UsableCredential,
    refused: ClientAuthentication,
    timeout: Duration,
  ): Promise<OtherCredential | undefined>;
  accepted(usable: UsableCredential, authentication: ClientAuthentication): void;
  /** How long Entra may have known what is presented. */
  newSince(usable: UsableCredential): Timestamp;
}

export interface OtherCredential {
  readonly authentication: ClientAuthentication;
  /** False: the one before the newest, which Entra took; the newest may not have reached all of Entra. */
  readonly isNewest: boolean;
}

/** Nothing can be made of it here and now; Entra was not asked. */
export interface Unusable {
  /** KEY_SOURCE_UNAVAILABLE, FIELD_INVALID: as the source said. Undefined: an unreadable assertion file, a broken key. */
  readonly unusable: Reason | undefined;
  /** The vault's own words on it; undefined as above. */
  readonly message: string | undefined;
}

export interface ClientAuthenticationRequest {
  readonly app: App;
  readonly tokenEndpoint: string;
  /** Longest wait for a key vault or a file. */
  readonly timeout: Duration;
}

export function createClientAuthentications(parts: {
  clock: Clock;
  secretSource: SecretSource;
  assertionFiles: Pick<AssertionFiles, 'read'>;
  metrics: EntraMetrics;
  log: Log;
}): ClientAuthentications {
  const { clock, metrics, log } = parts;
  const certificates = createCertificateAssertions(clock);
  const sourced = createVersionedSecrets(parts);
  /** Told once, until they can be presented again or their app is loaded anew. */
  const told = new WeakSet<UsableCredential>();

  async function proofOf(
    { credential, material }: UsableCredential,
    { app, tokenEndpoint, timeout }: ClientAuthenticationRequest,
  ) {
    switch (material.kind) {
      case 'CLIENT_SECRET':
        return { clientSecret: material.clientSecret };
      case 'CERTIFICATE': {
        const { certificateChain, privateKey } = material;
        const { clientId } = app;
        return asserted(
          certificates.get({ clientId, tokenEndpoint, credentialUid: credential.uid, certificateChain, privateKey }),
        );
      }
      case 'FEDERATED':
        return asserted(parts.assertionFiles.read({ tenantId: app.tenantId, path: material.assertionFile }, timeout));
      case 'KEY_VAULT_SECRET':
        return {
          clientSecret: await sourced.read({ credentialUid: credential.uid, secretUri: material.secretUri }, timeout),
        };
    }
  }

  return {
    async make(usable, request) {
      try {
        const authentication = await proofOf(usable, request);
        told.delete(usable);
        return authentication;
      } catch (error) {
        // The words of a foreign error may quote what it was reading.
        const unusable = isVaultError(error) ? error.reason : undefined;
        metrics.credentialUnusable(request.app.uid);
        if (!told.has(usable)) {
          told.add(usable);
          const { credentialId: credential, kind } = usable.credential;
          const app = appName(request.app);
          log.event('warn', 'entra_credential_unusable', { app, credential, kind, reason: unusable ?? '' });
        }
        return { unusable, message: isVaultError(error) ? error.message : undefined };
      }
    },
    async alternative(usable, refused, timeout) {
      const reference = referenceOf(usable);
      if (reference === undefined || !('clientSecret' in refused)) return undefined;
      const other = await sourced.alternative(reference, refused.clientSecret, timeout);
      return other && { authentication: { clientSecret: other.secret }, isNewest: other.isNewest };
    },
    accepted(usable, authentication) {
      const reference = referenceOf(usable);
      if (reference !== undefined && 'clientSecret' in authentication)
        sourced.accepted(reference, authentication.clientSecret);
    },
    newSince: ({ credential }) => Math.max(credential.createTime, sourced.renewTime(credential.uid) ?? 0),
  };
}

function referenceOf({ credential, material }: UsableCredential): SecretReference | undefined {
  if (material.kind !== 'KEY_VAULT_SECRET') return undefined;
  return { credentialUid: credential.uid, secretUri: material.secretUri };
}

async function asserted(assertion: Promise<Secret>): Promise<ClientAuthentication> {
  return { assertion: await assertion };
}
