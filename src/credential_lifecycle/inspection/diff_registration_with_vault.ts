import type { Registered } from '../../entra/app_registrations_interface.ts';
import { type Credential, NEVER, type UsableCredential } from '../../model/app_credential.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { RemoteSecret } from '../../model/key_vault_secret_reader_interface.ts';
import { MOST_UNKNOWN, type RegistrationReading } from '../../model/unknown_credential.ts';
import type { VaultEvent } from '../../model/vault_event.ts';
import type { CredentialExpiry, DueInspection } from '../../store/background_store_interfaces.ts';
import { type NamedCredential, ownCredentials, registeredCredentials } from '../matching/credentials_to_match.ts';
import { type MatchedCredentials, matchRegistered, SAME_EXPIRY } from '../matching/match_credentials_with_entra.ts';
import { expiryMismatch, unknownCredential } from '../matching/registration_mismatch_events.ts';

/** What an inspection found of an app. */
export interface ObservedApp {
  readonly due: DueInspection;
  readonly usable: readonly UsableCredential[];
  /** Current Key Vault secrets, by the credential's uid; without unreadable ones. */
  readonly remote: ReadonlyMap<string, RemoteSecret>;
  /** Undefined: Graph gives no access to it. */
  readonly registration: Registered | undefined;
  /** Name of the secret or certificate that a rotation in progress adds; the rotation itself cleans it up. */
  readonly marker: string | undefined;
}

export interface RegistrationDiff {
  /** Only of credentials with a change. */
  readonly expiries: readonly CredentialExpiry[];
  readonly knownKeyIds: readonly string[];
  /** Undefined: the registration was not read. */
  readonly reading: RegistrationReading | undefined;
  readonly events: readonly VaultEvent[];
  /** Uids of credentials that Entra no longer lists. */
  readonly missing: ReadonlySet<string>;
}

/** Compares the registration at Entra with the vault's credentials. */
export function registrationDiff(app: ObservedApp, now: Timestamp): RegistrationDiff {
  const { due, usable, remote, registration } = app;
  const entries = registration === undefined ? [] : registeredCredentials(registration);
  const matched = matchRegistered(ownCredentials(usable, remote), entries);
  const current = usable.map(({ credential }) => ({ credential, ends: endsOf(credential, app, matched) }));
  const changed = current.filter(({ credential, ends }) => hasChanged(credential, ends));
  const mismatches = changed.flatMap(({ credential, ends }) => {
    const { configuredExpireTime: said, entraExpireTime: entra } = ends;
    if (said === undefined || entra === undefined || Math.abs(said - entra) <= SAME_EXPIRY) return [];
    return [expiryMismatch(due.app, credential, { said, entra }, now)];
  });
  if (registration === undefined) {
    return {
      expiries: changed.map(({ ends }) => ends),
      knownKeyIds: due.knownKeyIds,
      reading: undefined,
      events: mismatches,
      missing: new Set(),
    };
  }
  const others = unknownCredentials(app, matched.unknown, now);
  const unknown = others.filter(({ keyId }) => !due.knownKeyIds.includes(keyId));
  return {
    expiries: changed.map(({ ends }) => ends),
    knownKeyIds: knownOf(due, entries, [...matched.matches.values(), ...unknown]),
    reading: readingOf(others, now),
    events: [...mismatches, ...unknown.map((credential) => unknownCredential(due.app, credential, now))],
    missing: matched.missing,
  };
}

function endsOf(
  credential: Credential,
  app: ObservedApp,
  { matches }: MatchedCredentials<NamedCredential>,
): CredentialExpiry {
  const { uid, configuredExpireTime, entraExpireTime, entraKeyId } = credential;
  const source = app.remote.get(uid);
  const said = source === undefined ? configuredExpireTime : source.expireTime;
  const entry = matches.get(uid);
  if (entry !== undefined) {
    const { keyId, endTime } = entry;
    return { credentialUid: uid, configuredExpireTime: said, entraExpireTime: endTime, entraKeyId: keyId };
  }
  // After a renewal in the key vault, the dates that Entra reported for the previous secret no longer apply.
  const isRenewed = source !== undefined && (said !== configuredExpireTime || app.registration !== undefined);
  const entra = isRenewed ? { entraExpireTime: undefined, entraKeyId: undefined } : { entraExpireTime, entraKeyId };
  return { credentialUid: uid, configuredExpireTime: said, ...entra };
}

function hasChanged(before: Credential, after: CredentialExpiry): boolean {
  return (
    before.configuredExpireTime !== after.configuredExpireTime ||
    before.entraExpireTime !== after.entraExpireTime ||
    before.entraKeyId !== after.entraKeyId
  );
}

/** Unexpired ones, without the secret that a rotation is adding. */
function unknownCredentials(
  app: ObservedApp,
  unknown: readonly NamedCredential[],
  now: Timestamp,
): readonly NamedCredential[] {
  return unknown.filter(({ displayName, endTime }) => {
    return (endTime === undefined || endTime > now) && displayName !== app.marker;
  });
}

function readingOf(unknown: readonly NamedCredential[], now: Timestamp): RegistrationReading {
  const latestFirst = unknown.toSorted((one, other) => (other.endTime ?? NEVER) - (one.endTime ?? NEVER));
  return {
    readTime: now,
    unknown: latestFirst.slice(0, MOST_UNKNOWN).map(({ keyId, kind, mark, endTime }) => {
      return { keyId, kind, hint: mark, expireTime: endTime };
    }),
  };
}

/**
 * Key ids that need no further report while Entra lists them: already reported, or previously the vault's. A secret that was renewed
 * or removed here stays at Entra for a while.
 */
function knownOf(
  due: DueInspection,
  entries: readonly NamedCredential[],
  handled: readonly NamedCredential[],
): readonly string[] {
  return entries
    .filter((entry) => handled.includes(entry) || due.knownKeyIds.includes(entry.keyId))
    .map(({ keyId }) => keyId);
}
