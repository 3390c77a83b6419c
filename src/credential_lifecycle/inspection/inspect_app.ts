import type { AppRegistrations, Registered } from '../../entra/app_registrations.ts';
import type { AuthorizationServer } from '../../entra/authorization_server.ts';
import type { Told } from '../../expiry/event_reporter.ts';
import { type App, registrationDirectory } from '../../model/app.ts';
import type { Changes } from '../../model/changes.ts';
import { type Clock, type Duration, SECOND } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { type Credential, earlierExpireTime, type UsableCredential } from '../../model/credential.ts';
import { presentOrder } from '../../model/credential_role.ts';
import { isVaultError } from '../../model/errors.ts';
import type { RemoteSecret, SecretSource } from '../../model/secret_source.ts';
import { suspensionOf } from '../../model/suspension.ts';
import type { CredentialEnds, DueInspection } from '../../store/background_stores.ts';
import type { AppStore, Stores } from '../../store/stores.ts';
import type { Log } from '../../telemetry/log.ts';
import { hintsOf, isFull } from '../rotation/blocker.ts';
import type { Rotations } from '../rotation/rotations.ts';
import { needsProbe } from './needs_probe.ts';
import { afterSuspension, type Inspected, nextInspection } from './next_inspection.ts';
import { findingsOf } from './registration_diff.ts';
import { createTimeLimit, type TimeLimit } from './time_limit.ts';

export interface InspectionParts {
  readonly stores: Pick<Stores, 'inspections'> & {
    readonly apps: Pick<AppStore, 'credentials' | 'usableCredentials'>;
    readonly tenants: Pick<Stores['tenants'], 'find'>;
    readonly rotations: Pick<Stores['rotations'], 'find'>;
  };
  readonly registrations: Pick<AppRegistrations, 'read'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'probe' | 'forget'>;
  readonly secretSource: Pick<SecretSource, 'read' | 'forget'>;
  readonly rotations: Pick<Rotations, 'beginIfDue'>;
  /** A directory in which the app can sign in for itself; undefined: nobody has shown one. */
  readonly knownDirectory: (app: App) => Promise<string | undefined>;
  readonly changes: Pick<Changes, 'announce'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly told: Told;
  /** What an app may take; the rest is asked an hour later. Default 20 s. */
  readonly timePerApp?: Duration | undefined;
}

/** Looks at Entra's side of one app, and at what its references lead to; writes down and tells what is new. */
export function createInspectApp(parts: InspectionParts): (due: DueInspection) => Promise<void> {
  const { stores, authorizationServer, clock, log, told, timePerApp = 20 * SECOND } = parts;

  /** By uid; without those that cannot be read. */
  async function readReferences(app: App, usable: readonly UsableCredential[], limit: TimeLimit) {
    const sourced = new Map<string, RemoteSecret>();
    let unread = 0;
    for (const { credential, material } of usable) {
      if (material.kind !== 'KEY_VAULT_SECRET') continue;
      const { credentialId, uid } = credential;
      const read = async () => {
        // As it is now: what memory holds may be as old as the last look.
        parts.secretSource.forget(material.secretUri);
        return parts.secretSource.read(material.secretUri);
      };
      const secret = await limit.within(read, undefined).catch((failure: unknown) => {
        if (!isVaultError(failure)) throw failure;
        log.event('warn', 'reference_unread', { app: appName(app), credential: credentialId, reason: failure.reason });
        return undefined;
      });
      if (secret === undefined) unread += 1;
      else sourced.set(uid, secret);
    }
    return { sourced, unread };
  }

  async function readRegistration(app: App, credentials: readonly Credential[], limit: TimeLimit): Promise<Shown> {
    const mayAsk = registrationDirectory(app) !== undefined && presentOrder(credentials, clock.now()).length > 0;
    if (!mayAsk) return CLOSED;
    const late = { kind: 'unavailable', code: undefined, retryAfter: undefined } as const;
    const answer = await limit.within(() => parts.registrations.read(app), late);
    if (answer.kind === 'registered') {
      const { registration } = answer;
      if (isFull(app, registration)) {
        const level = app.rotation === undefined ? 'info' : 'warn';
        log.event(level, 'registration_full', { app: appName(app), hints: hintsOf(registration).join(', ') });
      }
      return { ...CLOSED, graph: 'REGISTERED', registration };
    }
    // Most apps may not read themselves, and nobody needs to hear of it, unless they are to renew their secret.
    const level = answer.kind === 'unavailable' || app.rotation !== undefined ? 'info' : 'debug';
    const code = 'code' in answer ? (answer.code ?? '') : '';
    log.event(level, 'registration_unread', { app: appName(app), problem: answer.kind, code });
    return answer.kind === 'unavailable' ? { ...CLOSED, graph: 'OUTAGE', retryAfter: answer.retryAfter } : CLOSED;
  }

  /** What Entra says of each is recorded, and told, by whoever asks it. */
  async function probe(app: App, limit: TimeLimit): Promise<Pick<Inspected, 'canProbe' | 'isIncomplete'>> {
    const directory = await parts.knownDirectory(app);
    if (directory === undefined) return { canProbe: false, isIncomplete: false };
    const probes = await limit
      .within(() => authorizationServer.probe(app, directory, 'BACKGROUND'), undefined)
      .catch((failure: unknown) => {
        if (!isVaultError(failure) || failure.reason === 'DATABASE_UNAVAILABLE') throw failure;
        return undefined;
      });
    // With a code Entra did answer, though about something else than the credential.
    const isUnanswered = probes?.some(({ outcome, entraError }) => outcome === 'INCONCLUSIVE' && !entraError) ?? true;
    return { canProbe: true, isIncomplete: isUnanswered };
  }

  return async (due) => {
    const { app } = due;
    const now = clock.now();
    if ((await suspensionOf(stores.tenants, app)) !== undefined) {
      const { strangers } = due;
      await stores.inspections.record({ due, nextTime: afterSuspension(app, now), strangers, ends: [], events: [] });
      return;
    }
    const limit = createTimeLimit(timePerApp);
    const usable = await stores.apps.usableCredentials(app.uid);
    const { sourced, unread } = await readReferences(app, usable, limit);
    const before = usable.map(({ credential }) => credential);
    const { registration, ...shown } = await readRegistration(app, before, limit);
    // After the registration: a rotation that has a secret made wrote its marker down before.
    const rotation = registration && (await stores.rotations.find(app.uid));
    // From PROVE on its own is known by its id.
    const marker = rotation?.step === 'ADD' ? rotation.marker : undefined;
    const findings = findingsOf({ due, usable, sourced, registration, marker }, now);
    const probed = before.some((credential) => needsProbe(credential, findings.missing, now))
      ? await probe(app, limit)
      : { canProbe: false, isIncomplete: false };
    const credentials = (await stores.apps.credentials(app.uid)).map((one) => withEnds(one, findings.ends));
    const isIncomplete = probed.isIncomplete || unread > 0;
    const nextTime = nextInspection({ app, credentials, ...shown, ...probed, isIncomplete }, now);
    if (!(await stores.inspections.record({ due, nextTime, ...findings }))) return;
    for (const event of findings.events) told(event);
    if (haveMoved(before, credentials)) {
      authorizationServer.forget(app.uid);
      parts.changes.announce({ kind: 'app', uid: app.uid });
    }
    await parts.rotations.beginIfDue(app, credentials);
  };
}

interface Shown extends Pick<Inspected, 'graph' | 'retryAfter'> {
  readonly registration: Registered | undefined;
}

const CLOSED: Shown = { graph: 'CLOSED', retryAfter: undefined, registration: undefined };

function withEnds(credential: Credential, all: readonly CredentialEnds[]): Credential {
  const ends = all.find(({ credentialUid }) => credentialUid === credential.uid);
  if (ends === undefined) return credential;
  const { configuredExpireTime, entraExpireTime, entraKeyId } = ends;
  const expireTime = earlierExpireTime(configuredExpireTime, entraExpireTime);
  return { ...credential, configuredExpireTime, entraExpireTime, entraKeyId, expireTime };
}

function haveMoved(before: readonly Credential[], after: readonly Credential[]): boolean {
  return after.some(({ uid, expireTime }) => before.find((one) => one.uid === uid)?.expireTime !== expireTime);
}
