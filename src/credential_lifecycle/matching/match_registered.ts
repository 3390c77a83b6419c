import { type Duration, HOUR, type Timestamp } from '../../model/clock.ts';

/** Finds out which of Entra's entries are the vault's credentials. */
export function matchRegistered<Entry extends RegisteredCredential>(
  ours: readonly OwnCredential[],
  theirs: readonly Entry[],
): MatchedCredentials<Entry> {
  const matches = new Map<Group, Entry>();
  const pairUp = (groups: readonly Group[], fits: (group: Group, entry: Entry) => boolean): void => {
    const taken = new Set(matches.values());
    const entries = theirs.filter((entry) => !taken.has(entry));
    for (const [group, entry] of mutuallyUnique(groups, entries, fits)) matches.set(group, entry);
  };
  const unmatched = (groups: readonly Group[]) => groups.filter((group) => !matches.has(group));

  const all = groupsOf(ours);
  pairUp(all, (group, entry) => group.keyIds.includes(entry.keyId) && mayBe(group, entry));
  // A secret in a key vault may have been renewed since its key id was learned; of the others, an id that is gone is gone for good.
  const gone = unmatched(all).filter(({ keyIds, mayBeRenewed }) => keyIds.length > 0 && !mayBeRenewed);
  const open = unmatched(all).filter((group) => !gone.includes(group));
  pairUp(open, isMarkedAlike);
  pairUp(unmatched(open), (group, entry) => mayBe(group, entry) && endsAlike(group, entry));
  pairUp(unmatched(open), isMarkedAlike);

  const taken = new Set(matches.values());
  const left = unmatched(open);
  return {
    matches: new Map([...matches].flatMap(([{ uids }, entry]) => uids.map((uid) => [uid, entry] as const))),
    missing: new Set([...gone, ...left.filter(({ keyIds }) => keyIds.length > 0)].flatMap(({ uids }) => uids)),
    strangers: theirs.filter((entry) => !taken.has(entry) && !left.some((group) => mayBe(group, entry))),
  };
}

export interface MatchedCredentials<Entry> {
  /** By uid of ours. */
  readonly matches: ReadonlyMap<string, Entry>;
  /** Uids of those whose key id was known, and that Entra does not list any more. */
  readonly missing: ReadonlySet<string>;
  /** None of ours. What may be one, although nobody can say which, is in none of the three. */
  readonly strangers: readonly Entry[];
}

/** What a credential of the vault is recognized by. */
export interface OwnCredential {
  readonly uid: string;
  readonly kind: RegisteredCredential['kind'];
  /** Graph's id of it, where it was learned before. */
  readonly keyId: string | undefined;
  readonly mark: string | undefined;
  /** The same for the same secret or certificate, however often the vault has it. */
  readonly identity: string;
  /** As somebody said. */
  readonly endTime: Timestamp | undefined;
  /** It refers to what may be another value by now. */
  readonly mayBeRenewed: boolean;
}

/** What Entra's registration of the app lists. */
export interface RegisteredCredential {
  readonly keyId: string;
  readonly kind: 'CLIENT_SECRET' | 'CERTIFICATE';
  /** First 3 characters of a secret, SHA-1 thumbprint of a certificate (hex in lower case); undefined: it is not known. */
  readonly mark: string | undefined;
  readonly endTime: Timestamp | undefined;
}

/** Equal but for that: people copy dates without the time and the zone. */
export const SAME_END: Duration = 25 * HOUR;

interface Group {
  readonly uids: string[];
  readonly kind: RegisteredCredential['kind'];
  readonly mark: string | undefined;
  readonly keyIds: string[];
  readonly ends: Timestamp[];
  mayBeRenewed: boolean;
}

function groupsOf(ours: readonly OwnCredential[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { uid, kind, keyId, mark, identity, endTime, mayBeRenewed } of ours) {
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

function isMarkedAlike(group: Group, entry: RegisteredCredential): boolean {
  return group.kind === entry.kind && group.mark !== undefined && group.mark === entry.mark;
}

function mayBe(group: Group, entry: RegisteredCredential): boolean {
  if (group.kind !== entry.kind) return false;
  return group.mark === undefined || entry.mark === undefined || group.mark === entry.mark;
}

function endsAlike({ ends }: Group, { endTime }: RegisteredCredential): boolean {
  return endTime !== undefined && ends.some((end) => Math.abs(end - endTime) <= SAME_END);
}

/** Pairs of which each half fits the other one alone. */
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
