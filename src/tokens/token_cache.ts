import type { Change } from '../model/changes.ts';
import { type Clock, clockOffset, type Duration, elapsedSince, SECOND, type Timestamp } from '../model/clock.ts';
import type { ServedToken } from './access_tokens.ts';
import { createRecentMap } from './recent_map.ts';

/** Access tokens in memory, by the uid of their connection and their resource. */
export interface TokenCache {
  /** With the times by the wall clock as it is now, also if the clock was set back since. */
  find(ownerUid: string, resource: string, now: Timestamp): CachedToken | undefined;
  /** Opened before the work starts, so that what is dropped meanwhile is not put back. */
  open(owner: TokenOwner): TokenCacheFill;
  drop(change: Change): void;
  /** The other resources of the owner stay. */
  dropResource(ownerUid: string, resource: string): void;
  /** Forgets what has expired. */
  sweep(now: Timestamp): void;
  readonly size: number;
}

export interface TokenOwner {
  /** Of the connection; for an app's own tokens, of the app. */
  readonly uid: string;
  readonly appUid: string;
  readonly tenantUid: string;
}

export interface CachedToken {
  /** The same object at every hit, while the clock is not set back. */
  fresh: ServedToken;
  /** When it is replaced in the background; moved on when that failed. */
  aheadTime: Timestamp;
  /** The clock by which its times are meant. */
  offset: Duration;
  /** The end that is stored, also if the clock was set back since: until then, the stored copy must be recognized. */
  readonly sweepTime: Timestamp;
}

export interface TokenCacheFill {
  /** Nothing is kept when the owner was dropped since `open`. Ends the fill. */
  put(resource: string, fresh: ServedToken, soonestAhead?: Timestamp): void;
  end(): void;
}

/** Callers name the resources of app tokens, and Entra accepts many spellings of a path. */
const MOST_RESOURCES = 32;

/** A clock is slewed by less, and a pause between two readings is shorter. */
const CLOCK_STEP: Duration = 5 * SECOND;

interface OpenFill {
  readonly owner: TokenOwner;
  /** Resources that were dropped since it was opened. */
  readonly dropped: Set<string>;
}

interface Slot {
  readonly owner: TokenOwner;
  readonly tokens: CachedToken[];
}

export function createTokenCache(limit: number, clock: Clock): TokenCache {
  const slots = createRecentMap<string, Slot>(limit);
  const fills = new Map<object, OpenFill>();
  let known = { time: 0, offset: 0 };

  /** Reading a second clock costs as much as the rest of a hit, so it is read once a second. */
  function offsetAt(now: Timestamp): Duration {
    if (elapsedSince(known.time, now) >= SECOND) known = { time: now, offset: clockOffset(clock, now) };
    return known.offset;
  }

  return {
    find(ownerUid, resource, now) {
      const slot = slots.find(ownerUid);
      if (slot === undefined) return undefined;
      for (const token of slot.tokens) {
        if (token.fresh.accessToken.resource !== resource) continue;
        const offset = offsetAt(now);
        if (offset < token.offset - CLOCK_STEP) setBack(token, offset);
        return token;
      }
      return undefined;
    },
    open(owner) {
      // Of before the request to Entra: a clock that is set back meanwhile makes the token end sooner, never later.
      const offset = clockOffset(clock, clock.now());
      const fill: TokenCacheFill = {
        put(resource, fresh, soonestAhead = 0) {
          const open = fills.get(fill);
          fills.delete(fill);
          if (open === undefined || open.dropped.has(resource)) return;
          const slot = slots.find(owner.uid) ?? { owner, tokens: [] };
          const at = slot.tokens.findIndex((token) => token.fresh.accessToken.resource === resource);
          const { refreshTime, expireTime } = fresh.accessToken;
          const token = { fresh, offset, aheadTime: Math.max(refreshTime, soonestAhead), sweepTime: expireTime };
          // The one put longest ago goes first.
          if (at !== -1) slot.tokens.splice(at, 1);
          else if (slot.tokens.length >= MOST_RESOURCES) slot.tokens.shift();
          slot.tokens.push(token);
          slots.set(owner.uid, slot);
        },
        end() {
          fills.delete(fill);
        },
      };
      fills.set(fill, { owner, dropped: new Set() });
      return fill;
    },
    drop(change) {
      for (const [fill, { owner }] of fills) if (concerns(change, owner)) fills.delete(fill);
      if (change.kind === 'connection') {
        slots.delete(change.uid);
        return;
      }
      for (const slot of slots.values()) if (concerns(change, slot.owner)) slots.delete(slot.owner.uid);
    },
    dropResource(ownerUid, resource) {
      for (const { owner, dropped } of fills.values()) if (owner.uid === ownerUid) dropped.add(resource);
      const slot = slots.find(ownerUid);
      const at = slot?.tokens.findIndex((token) => token.fresh.accessToken.resource === resource) ?? -1;
      if (at !== -1) slot?.tokens.splice(at, 1);
    },
    sweep(now) {
      for (const slot of slots.values()) {
        for (let i = slot.tokens.length - 1; i >= 0; i--) {
          const token = slot.tokens[i];
          if (token !== undefined && token.sweepTime <= now) slot.tokens.splice(i, 1);
        }
        if (slot.tokens.length === 0) slots.delete(slot.owner.uid);
      }
    },
    get size() {
      return slots.size;
    },
  };
}

/** The life that is left is what it was; the times are moved to the clock as it is now. */
function setBack(token: CachedToken, offset: Duration): void {
  const step = token.offset - offset;
  const { accessToken } = token.fresh;
  const { expireTime, refreshTime } = accessToken;
  token.fresh = {
    ...token.fresh,
    accessToken: { ...accessToken, expireTime: expireTime - step, refreshTime: refreshTime - step },
  };
  token.aheadTime -= step;
  token.offset = offset;
}

function concerns(change: Change, owner: TokenOwner): boolean {
  switch (change.kind) {
    case 'connection':
      return owner.uid === change.uid;
    case 'app':
      return owner.appUid === change.uid;
    case 'tenant':
      return owner.tenantUid === change.uid;
  }
}
