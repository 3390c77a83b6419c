import type { Registered } from '../../entra/app_registrations_interface.ts';
import { type Credential, earlierExpireTime, type UsableCredential } from '../../model/app_credential.ts';
import { SECOND } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { presentOrder } from '../../model/credential_presentation_order.ts';
import { type App, registrationDirectory } from '../../model/entra_app.ts';
import { isVaultError } from '../../model/errors.ts';
import type { RemoteSecret } from '../../model/key_vault_secret_reader_interface.ts';
import { suspensionOf } from '../../model/suspension.ts';
import type { CredentialExpiry, DueInspection } from '../../store/background_store_interfaces.ts';
import { hintsOf, isFull } from '../rotation/rotation_blocker_from_graph_failure.ts';
import { registrationDiff } from './diff_registration_with_vault.ts';
import { createFollowVersions } from './follow_certificate_versions.ts';
import type { InspectionParts } from './inspection_dependencies.ts';
import { afterSuspension, type Inspected, needsProbe, nextInspection } from './schedule_next_inspection.ts';
import { createTimeLimit, type TimeLimit } from './time_limit.ts';

/** Inspects an app's registration at Entra and its Key Vault secrets; stores changes and publishes events. */
export function createInspectApp(parts: InspectionParts): (due: DueInspection) => Promise<void> {
  const { stores, authorizationServer, clock, log, reportPublished, timePerApp = 20 * SECOND } = parts;
  const followVersions = createFollowVersions(parts);

  /** Key Vault secrets by the credential's uid, and the number of unreadable ones. */
  async function readReferences(app: App, usable: readonly UsableCredential[], limit: TimeLimit) {
    const remote = new Map<string, RemoteSecret>();
    let unread = 0;
    for (const { credential, material } of usable) {
      if (material.kind !== 'KEY_VAULT_SECRET') continue;
      const { credentialId, uid } = credential;
      const read = async () => {
        // Bypass the cache, which may be as old as the last inspection.
        parts.secretSource.forget(material.secretUri);
        return parts.secretSource.read(material.secretUri);
      };
      const secret = await limit.within(read, undefined).catch((failure: unknown) => {
        if (!isVaultError(failure)) throw failure;
        log.event('warn', 'key_vault_read_failed', {
          app: appName(app),
          credential: credentialId,
          reason: failure.reason,
        });
        return undefined;
      });
      if (secret === undefined) unread += 1;
      else remote.set(uid, secret);
    }
    return { remote, unread };
  }

  async function readRegistration(
    app: App,
    credentials: readonly Credential[],
    limit: TimeLimit,
  ): Promise<RegistrationView> {
    const isReadable = registrationDirectory(app) !== undefined && presentOrder(credentials, clock.now()).length > 0;
    if (!isReadable) return CLOSED;
    const late = { kind: 'unavailable', code: undefined, retryAfter: undefined } as const;
    const response = await limit.within(() => parts.registrations.read(app), late);
    if (response.kind === 'registered') {
      const { registration } = response;
      if (isFull(app, registration)) {
        const level = app.rotation === undefined ? 'info' : 'warn';
        log.event(level, 'registration_full', { app: appName(app), hints: hintsOf(registration).join(', ') });
      }
      return { ...CLOSED, graph: 'REGISTERED', registration };
    }
    // Most apps cannot read their registration, which matters only for rotation.
    const level = response.kind === 'unavailable' || app.rotation !== undefined ? 'info' : 'debug';
    const code = 'code' in response ? (response.code ?? '') : '';
    log.event(level, 'app_registration_read_failed', { app: appName(app), problem: response.kind, code });
    return response.kind === 'unavailable' ? { ...CLOSED, graph: 'OUTAGE', retryAfter: response.retryAfter } : CLOSED;
  }

  /** The authorization server itself records the results, and publishes their events. */
  async function probe(app: App, limit: TimeLimit): Promise<Pick<Inspected, 'canProbe' | 'isIncomplete'>> {
    const directory = await parts.knownDirectory(app);
    if (directory === undefined) return { canProbe: false, isIncomplete: false };
    const probes = await limit
      .within(() => authorizationServer.probe(app, directory, 'BACKGROUND'), undefined)
      .catch((failure: unknown) => {
        if (!isVaultError(failure) || failure.reason === 'DATABASE_UNAVAILABLE') throw failure;
        return undefined;
      });
    // An inconclusive result with an error code is a response of Entra, only not about the credential.
    const isUnanswered = probes?.some(({ outcome, entraError }) => outcome === 'INCONCLUSIVE' && !entraError) ?? true;
    return { canProbe: true, isIncomplete: isUnanswered };
  }

  function announce({ uid }: App): void {
    authorizationServer.forget(uid);
    parts.changes.announce({ kind: 'app', uid });
  }

  return async (due) => {
    const { app } = due;
    const now = clock.now();
    if ((await suspensionOf(stores.tenants, app)) !== undefined) {
      const { knownKeyIds } = due;
      await stores.inspections.record({
        due,
        nextTime: afterSuspension(app, now),
        knownKeyIds,
        expiries: [],
        events: [],
      });
      return;
    }
    const limit = createTimeLimit(timePerApp);
    const usable = await stores.apps.usableCredentials(app);
    const { remote, unread } = await readReferences(app, usable, limit);
    const before = usable.map(({ credential }) => credential);
    const { registration, ...graph } = await readRegistration(app, before, limit);
    const versions = await followVersions(app, usable, { ...graph, registration }, limit);
    if (versions.haveChanged) {
      // The app is due again, and the next inspection sees the change.
      announce(app);
      return;
    }
    // Read after the registration, because a rotation stores its marker before it adds a secret.
    const rotation = registration && (await stores.rotations.find(app.uid));
    // From PROVE on, the new secret is known by its key id.
    const marker = rotation?.step === 'ADD' ? rotation.marker : undefined;
    const diff = registrationDiff({ due, usable, remote, registration, marker }, now);
    const probed = before.some((credential) => needsProbe(credential, diff.missing, now))
      ? await probe(app, limit)
      : { canProbe: false, isIncomplete: false };
    const credentials = (await stores.apps.credentials(app.uid)).map((one) => withExpiry(one, diff.expiries));
    const isIncomplete = probed.isIncomplete || unread + versions.unread > 0;
    const usual = nextInspection({ app, credentials, ...graph, ...probed, isIncomplete }, now);
    const nextTime = Math.min(usual, versions.openTime ?? usual);
    if (!(await stores.inspections.record({ due, nextTime, ...diff }))) return;
    for (const event of diff.events) reportPublished(event);
    if (hasNewExpiry(before, credentials)) announce(app);
    await parts.rotations.startIfDue(app, credentials);
  };
}

interface RegistrationView extends Pick<Inspected, 'graph' | 'retryAfter'> {
  readonly registration: Registered | undefined;
}

const CLOSED: RegistrationView = { graph: 'CLOSED', retryAfter: undefined, registration: undefined };

function withExpiry(credential: Credential, all: readonly CredentialExpiry[]): Credential {
  const ends = all.find(({ credentialUid }) => credentialUid === credential.uid);
  if (ends === undefined) return credential;
  const { configuredExpireTime, entraExpireTime, entraKeyId } = ends;
  const expireTime = earlierExpireTime(configuredExpireTime, entraExpireTime);
  return { ...credential, configuredExpireTime, entraExpireTime, entraKeyId, expireTime };
}

function hasNewExpiry(before: readonly Credential[], after: readonly Credential[]): boolean {
  return after.some(({ uid, expireTime }) => before.find((one) => one.uid === uid)?.expireTime !== expireTime);
}
