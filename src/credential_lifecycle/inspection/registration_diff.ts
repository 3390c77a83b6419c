import type { Registered } from '../../entra/app_registrations.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Credential, UsableCredential } from '../../model/credential.ts';
import type { VaultEvent } from '../../model/event.ts';
import type { RemoteSecret } from '../../model/secret_source.ts';
import type { CredentialEnds, DueInspection } from '../../store/background_stores.ts';
import { expiryMismatch, unknownCredential } from '../matching/credential_events.ts';
import { type MatchedCredentials, matchRegistered, SAME_END } from '../matching/match_registered.ts';
import { type NamedEntry, ownCredentials, registeredCredentials } from '../matching/own_credentials.ts';

/** What was seen of an app. */
export interface Seen {
  readonly due: DueInspection;
  readonly usable: readonly UsableCredential[];
  /** What references led to, by the credential's uid; without those that could not be read. */
  readonly sourced: ReadonlyMap<string, RemoteSecret>;
  /** Undefined: Graph does not show it. */
  readonly registration: Registered | undefined;
  /** Of the rotation that makes a secret, and looks after what carries it. */
  readonly marker: string | undefined;
}

export interface Findings {
  /** Only of those credentials of which something changed. */
  readonly ends: readonly CredentialEnds[];
  readonly strangers: readonly string[];
  readonly events: readonly VaultEvent[];
  /** Uids of those that Entra listed before, and lists no more. */
  readonly missing: ReadonlySet<string>;
}

/** What follows from what was seen. */
export function findingsOf(seen: Seen, now: Timestamp): Findings {
  const { due, usable, sourced, registration } = seen;
  const entries = registration === undefined ? [] : registeredCredentials(registration);
  const matched = matchRegistered(ownCredentials(usable, sourced), entries);
  const learned = usable.map(({ credential }) => ({ credential, ends: endsOf(credential, seen, matched) }));
  const changed = learned.filter(({ credential, ends }) => hasChanged(credential, ends));
  const differing = changed.flatMap(({ credential, ends }) => {
    const { configuredExpireTime: said, entraExpireTime: entra } = ends;
    if (said === undefined || entra === undefined || Math.abs(said - entra) <= SAME_END) return [];
    return [expiryMismatch(due.app, credential, { said, entra }, now)];
  });
  if (registration === undefined) {
    return { ends: changed.map(({ ends }) => ends), strangers: due.strangers, events: differing, missing: new Set() };
  }
  const strangers = newUnknownCredentials(seen, matched.strangers, now);
  return {
    ends: changed.map(({ ends }) => ends),
    strangers: knownOf(due, entries, [...matched.matches.values(), ...strangers]),
    events: [...differing, ...strangers.map((stranger) => unknownCredential(due.app, stranger, now))],
    missing: matched.missing,
  };
}

function endsOf(credential: Credential, seen: Seen, { matches }: MatchedCredentials<NamedEntry>): CredentialEnds {
  const { uid, configuredExpireTime, entraExpireTime, entraKeyId } = credential;
  const source = seen.sourced.get(uid);
  const said = source === undefined ? configuredExpireTime : source.expireTime;
  const entry = matches.get(uid);
  if (entry !== undefined) {
    const { keyId, endTime } = entry;
    return { credentialUid: uid, configuredExpireTime: said, entraExpireTime: endTime, entraKeyId: keyId };
  }
  // Of a secret that was renewed in its key vault, what Entra said of the one before says nothing any more.
  const isAnother = source !== undefined && (said !== configuredExpireTime || seen.registration !== undefined);
  const entra = isAnother ? { entraExpireTime: undefined, entraKeyId: undefined } : { entraExpireTime, entraKeyId };
  return { credentialUid: uid, configuredExpireTime: said, ...entra };
}

function hasChanged(before: Credential, after: CredentialEnds): boolean {
  return (
    before.configuredExpireTime !== after.configuredExpireTime ||
    before.entraExpireTime !== after.entraExpireTime ||
    before.entraKeyId !== after.entraKeyId
  );
}

/** Those that live, and that nobody was told of. */
function newUnknownCredentials(seen: Seen, strangers: readonly NamedEntry[], now: Timestamp): readonly NamedEntry[] {
  const { due, marker } = seen;
  return strangers.filter(({ keyId, displayName, endTime }) => {
    if (endTime !== undefined && endTime <= now) return false;
    return !due.strangers.includes(keyId) && displayName !== marker;
  });
}

/**
 * Whom nobody needs to be told of any more, for as long as Entra lists them: those that were told, and those that were ours once. A secret
 * that was renewed, or removed here a moment ago, is still there for a while.
 */
function knownOf(due: DueInspection, entries: readonly NamedEntry[], seen: readonly NamedEntry[]): readonly string[] {
  return entries
    .filter((entry) => seen.includes(entry) || due.strangers.includes(entry.keyId))
    .map(({ keyId }) => keyId);
}
