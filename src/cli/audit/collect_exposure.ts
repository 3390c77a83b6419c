import type { Timestamp } from '../../model/clock.ts';
import { type LoggedEntry, textOf } from './parse_audit_entry.ts';

/** Tokens of one connection or app, of one user or client, that a caller received. */
export interface Exposure {
  /** Name of the connection or app. */
  readonly resource: string;
  /** Undefined: Entra had named no account. */
  readonly directory: string | undefined;
  /** Object id of the user; of tokens of an app itself, undefined. */
  readonly user: string | undefined;
  /** Client id; of tokens of an app itself. */
  readonly client: string | undefined;
  /** False: the seals of these entries are not valid. */
  readonly isVerified: boolean;
  readonly permissions: readonly string[];
  readonly responses: number;
  readonly tokens: number;
  readonly firstTime: Timestamp;
  readonly lastTime: Timestamp;
  /** When the last of the tokens expires. */
  readonly expireTime: Timestamp | undefined;
}

type Key = Pick<Exposure, 'resource' | 'directory' | 'user' | 'client' | 'isVerified'>;

interface Tally extends Key {
  readonly permissions: Set<string>;
  readonly tokens: Set<string>;
  responses: number;
  firstTime: Timestamp;
  lastTime: Timestamp;
  expireTime: Timestamp | undefined;
}

/** One row in memory for each connection and user, whatever the number of entries. */
export function collectExposure() {
  const tallies = new Map<string, Tally>();

  function tallyOf(key: Key, time: Timestamp): Tally {
    const id = JSON.stringify(key);
    const known = tallies.get(id);
    if (known !== undefined) return known;
    const tally = { ...key, responses: 0, firstTime: time, lastTime: time, expireTime: undefined };
    const made = { ...tally, permissions: new Set<string>(), tokens: new Set<string>() };
    tallies.set(id, made);
    return made;
  }

  return {
    /** Entries without a token are ignored. */
    add({ resource, fields, endTime }: LoggedEntry, isVerified: boolean): void {
      const token = textOf(fields['token']);
      if (token === undefined) return;
      const [directory, user, client] = ['directory', 'user', 'client'].map((name) => textOf(fields[name]));
      const tally = tallyOf({ resource, directory, user, client, isVerified }, endTime);
      tally.responses += 1;
      tally.tokens.add(token);
      tally.firstTime = Math.min(tally.firstTime, endTime);
      tally.lastTime = Math.max(tally.lastTime, endTime);
      const expireTime = Date.parse(textOf(fields['token_end']) ?? '');
      if (!Number.isNaN(expireTime)) tally.expireTime = Math.max(tally.expireTime ?? 0, expireTime);
      const carried = fields['carried'];
      for (const permission of Array.isArray(carried) ? carried : []) tally.permissions.add(String(permission));
    },
    all: (): readonly Exposure[] =>
      [...tallies.values()]
        .map((tally) => ({ ...tally, tokens: tally.tokens.size, permissions: [...tally.permissions].sort() }))
        .sort((one, other) => (one.resource < other.resource ? -1 : 1)),
  };
}
