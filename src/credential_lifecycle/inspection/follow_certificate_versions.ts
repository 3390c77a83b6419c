import type { Registered } from '../../entra/app_registrations_interface.ts';
import {
  type CredentialMaterial,
  credentialState,
  type UsableCredential,
  unprobedCredential,
} from '../../model/app_credential.ts';
import type { Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { datedCredentialId } from '../../model/dated_credential_id.ts';
import { type App, openingBefore } from '../../model/entra_app.ts';
import { isVaultError } from '../../model/errors.ts';
import { newUid } from '../../model/id_patterns.ts';
import { type KeyVaultCertificate, pinKeyVaultCertificate } from '../../model/key_vault_certificates.ts';
import { withoutVersion } from '../../model/key_vault_secret_reader_interface.ts';
import { thumbprintOf } from '../matching/credentials_to_match.ts';
import { addVersionToRegistration, type UnlistedVersion } from './add_version_to_registration.ts';
import type { InspectionParts } from './inspection_dependencies.ts';
import type { Inspected } from './schedule_next_inspection.ts';
import type { TimeLimit } from './time_limit.ts';
import { unlistedVersionEvent } from './unlisted_version_event.ts';

type Pinned = UsableCredential & { readonly material: Extract<CredentialMaterial, { kind: 'KEY_VAULT_CERTIFICATE' }> };

export interface FollowedVersions {
  /** Credentials were added or removed. */
  readonly haveChanged: boolean;
  /** The number of certificates that could not be read. */
  readonly unread: number;
  /** When a version that waits for the window of the app can be added. */
  readonly openTime?: Timestamp | undefined;
}

/**
 * Adds a credential for each new version of a Key Vault certificate that Entra lists; if it does not, the version is added
 * there first. As any new credential, it is used once Entra accepts it, and the earlier version stays as a fallback (ADR 17).
 * If the app cannot read its registration, the probe alone decides.
 */
export function createFollowVersions(
  parts: Pick<InspectionParts, 'stores' | 'registrations' | 'certificates' | 'clock' | 'log' | 'reportPublished'>,
) {
  const { stores, certificates, clock, log, reportPublished } = parts;

  /** Undefined: it cannot be read now. */
  async function readNewest(app: App, { credential, material }: Pinned, limit: TimeLimit) {
    try {
      return await limit.within(() => certificates.read(material.certificateUri), undefined);
    } catch (failure) {
      if (!isVaultError(failure)) throw failure;
      const { credentialId } = credential;
      log.event('warn', 'key_vault_read_failed', {
        app: appName(app),
        credential: credentialId,
        reason: failure.reason,
      });
      return undefined;
    }
  }

  async function reportUnlisted(app: App, inUse: Pinned, version: string, unlisted: UnlistedVersion): Promise<void> {
    const { problem } = unlisted;
    const code = ('code' in unlisted && unlisted.code) || '';
    const fields = { app: appName(app), uri: inUse.material.certificateUri, version, problem, code };
    log.event('warn', 'key_vault_certificate_unlisted', fields);
    // Without a policy nobody expects the vault to add it, and an outage passes by itself.
    if (unlisted.problem === 'ROTATION_OFF' || unlisted.problem === 'UNAVAILABLE') return;
    const event = unlistedVersionEvent(app, { version, inUse: inUse.credential }, unlisted, clock.now());
    if (await stores.expiry.publish(event)) reportPublished(event);
  }

  function reportRegistered(app: App, { material }: Pinned, version: string): void {
    const fields = { app: appName(app), uri: material.certificateUri, version };
    log.event('info', 'key_vault_certificate_registered', fields);
  }

  async function add(app: App, usable: readonly UsableCredential[], pinned: Pinned, found: KeyVaultCertificate) {
    const now = clock.now();
    const credentials = usable.map(({ credential }) => credential);
    const { material, hint, notBefore, expireTime } = pinKeyVaultCertificate(pinned.material.certificateUri, found);
    const credentialId = datedCredentialId('renewed', credentials, now);
    const known = { uid: newUid(), appUid: app.uid, credentialId, kind: material.kind, hint, notBefore, expireTime };
    const credential = unprobedCredential({ ...known, createTime: now });
    await stores.apps.addCredential(app, { credential, material }).catch((failure) => {
      // Another replica was faster.
      if (!isVaultError(failure, 'CREDENTIAL_EXISTS')) throw failure;
    });
    log.event('info', 'key_vault_certificate_renewed', { app: appName(app), credential: credentialId, uri: hint });
  }

  return async (
    app: App,
    usable: readonly UsableCredential[],
    { graph, registration }: Pick<Inspected, 'graph'> & { readonly registration: Registered | undefined },
    limit: TimeLimit,
  ): Promise<FollowedVersions> => {
    const pinned = usable.filter(isPinned);
    let unread = 0;
    let openTime: Timestamp | undefined;
    for (const versions of Map.groupBy(pinned, ({ material }) => withoutVersion(material.certificateUri)).values()) {
      const followed = versions.find(
        ({ material }) => withoutVersion(material.certificateUri) === material.certificateUri,
      );
      if (followed === undefined) continue;
      const past = supersededBy(versions, clock.now());
      if (past !== undefined) {
        return { haveChanged: await stores.apps.removeCredential(app.uid, past.credential.credentialId), unread };
      }
      const newest = await readNewest(app, followed, limit);
      if (newest === undefined) unread += 1;
      const isKnown = versions.some(({ material }) => material.version === newest?.version);
      if (newest === undefined || isKnown || newest.expireTime <= clock.now() || graph === 'OUTAGE') continue;
      const now = clock.now();
      const lastEnd = Math.max(...versions.map(({ credential }) => credential.expireTime ?? Infinity));
      const opening = openingBefore(app, lastEnd, now);
      if (opening > now) {
        openTime = opening;
        continue;
      }
      if (registration !== undefined && !lists(registration, newest)) {
        const unlisted = await addVersionToRegistration(parts, app, newest, limit);
        if (unlisted?.problem === 'UNAVAILABLE') unread += 1;
        if (unlisted !== undefined) {
          await reportUnlisted(app, followed, newest.version, unlisted);
          continue;
        }
        reportRegistered(app, followed, newest.version);
      }
      await add(app, usable, followed, newest);
      return { haveChanged: true, unread };
    }
    return { haveChanged: false, unread, openTime };
  };
}

function isPinned(usable: UsableCredential): usable is Pinned {
  return usable.material.kind === 'KEY_VAULT_CERTIFICATE';
}

function lists({ certificates }: Registered, { certificate }: KeyVaultCertificate): boolean {
  const own = thumbprintOf(certificate);
  return certificates.some(({ thumbprint }) => thumbprint === own);
}

/** An expired version, if Entra accepts a later one: the vault keeps one that is of use. */
function supersededBy(versions: readonly Pinned[], now: Timestamp): Pinned | undefined {
  const stateOf = ({ credential }: Pinned) => credentialState(credential, now);
  if (!versions.some((one) => stateOf(one) === 'VALID')) return undefined;
  return versions.find((one) => stateOf(one) === 'EXPIRED');
}
