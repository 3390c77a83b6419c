import { type Duration, HOUR, type Timestamp } from '../../model/clock.ts';

/** Matches the entries of Entra's registration with the vault's credentials. */
export function matchRegistered<Entry extends RegisteredCredential>(
  own: readonly OwnCredential[],
  registered: readonly Entry[],
): MatchedCredentials<Entry> {
  const matches = new Map<Group, Entry>();
  const pairUp = (groups: readonly Group[], fits: (group: Group, entry: Entry) => boolean): void => {
    const taken = new Set(matches.values());
    const entries = registered.filter((entry) => !taken.has(entry));
    for (const [group, entry] of mutuallyUnique(groups, entries, fits)) matches.set(group, entry);
  };
  const unmatched = (groups: readonly Group[]) => groups.filter((group) => !matches.has(group));

  const all = groupsOf(own);
  pairUp(all, (group, entry) => group.keyIds.includes(entry.keyId) && mayBe(group, entry));
  // A Key Vault secret may have been renewed since its key id was recorded; for others, a missing id means a removed entry.
  const gone = unmatched(all).filter(({ keyIds, mayBeRenewed }) => keyIds.length > 0 && !mayBeRenewed);
  const open = unmatched(all).filter((group) => !gone.includes(group));
  pairUp(open, hasSameMark);
  pairUp(unmatched(open), (group, entry) => mayBe(group, entry) && hasSameExpiry(group, entry));
  pairUp(unmatched(open), hasSameMark);

  const taken = new Set(matches.values());
  const left = unmatched(open);
  return {
    matches: new Map([...matches].flatMap(([{ uids }, entry]) => uids.map((uid) => [uid, entry] as const))),
    missing: new Set([...gone, ...left.filter(({ keyIds }) => keyIds.length > 0)].flatMap(({ uids }) => uids)),
    unknown: registered.filter((entry) => !taken.has(entry) && !left.some((group) => mayBe(group, entry))),
  };
}

export interface MatchedCredentials<Entry> {
  /** By uid of the vault's credential. */
  readonly matches: ReadonlyMap<string, Entry>;
  /** Uids of credentials with a known key id that Entra no longer lists. */
  readonly missing: ReadonlySet<string>;
  /** Certainly not the vault's. Ambiguous entries are in none of the three. */
  readonly unknown: readonly Entry[];
}

/** A credential of the vault, with the properties to match. */
export interface OwnCredential {
  readonly uid: string;
  readonly kind: RegisteredCredential['kind'];
  /** Graph's key id, if it was recorded before. */
  readonly keyId: string | undefined;
  readonly mark: string | undefined;
  /** Equal for copies of the same secret or certificate. */
  readonly identity: string;
  /** As the operator or the key vault provided it. */
  readonly endTime: Timestamp | undefined;
  /** A reference, whose value may have changed. */
  readonly mayBeRenewed: boolean;
}

/** An entry of the app's registration at Entra. */
export interface RegisteredCredential {
  readonly keyId: string;
  readonly kind: 'CLIENT_SECRET' | 'CERTIFICATE';
  /** First 3 characters of a secret, SHA-1 thumbprint of a certificate (hex in lower case); undefined if unknown. */
  readonly mark: string | undefined;
  readonly endTime: Timestamp | undefined;
}

/** Tolerance for equal expiry dates: operators copy dates without time and time zone. */
export const SAME_EXPIRY: Duration = 25 * HOUR;

interface Group {
  readonly uids: string[];
  readonly kind: RegisteredCredential['kind'];
  readonly mark: string | undefined;
  readonly keyIds: string[];
  readonly ends: Timestamp[];
  mayBeRenewed: boolean;
}

function groupsOf(own: readonly OwnCredential[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { uid, kind, keyId, mark, identity, endTime, mayBeRenewed } of own) {
    const key = `${kind} ${identity}`;
    const group = groups.get(key) ?? { uids: [], kind, mark, keyIds: [], ends: [], mayBeRenewed: true };
    groups.set(key, group);
    group.uids.push(uid);
    if (keyId !== undefined) group.keyIds.push(keyId);
    if (endTime !== undefined) group.ends.push(endTime);
    group.mayBeRenewed &&= mayBeRenewed;
  }
  return [...groups.values()];
}

function hasSameMark(group: Group, entry: RegisteredCredential): boolean {
  return group.kind === entry.kind && group.mark !== undefined && group.mark === entry.mark;
}

function mayBe(group: Group, entry: RegisteredCredential): boolean {
  if (group.kind !== entry.kind) return false;
  return group.mark === undefined || entry.mark === undefined || group.mark === entry.mark;
}

function hasSameExpiry({ ends }: Group, { endTime }: RegisteredCredential): boolean {
  return endTime !== undefined && ends.some((end) => Math.abs(end - endTime) <= SAME_EXPIRY);
}

/** Pairs in which each fits only the other. */
function mutuallyUnique<Entry>(
  groups: readonly Group[],
  entries: readonly Entry[],
  fits: (group: Group, entry: Entry) => boolean,
): readonly (readonly [Group, Entry])[] {
  return groups.flatMap((group) => {
    const [entry, ...others] = entries.filter((one) => fits(group, one));
    if (entry === undefined || others.length > 0) return [];
    return groups.filter((one) => fits(one, entry)).length === 1 ? [[group, entry] as const] : [];
  });
}
