import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, clockOffset, type Duration, elapsedSince, SECOND, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { isGrantSound, isRefused } from '../model/connection_resource_states.ts';
import type { Change } from '../model/resource_change_announcements.ts';
import type { ServedToken } from './access_token_service_interface.ts';
import { createSharedValues } from './share_equal_values.ts';

export type TokenCache = ReturnType<typeof createTokenCache>;

export interface TokenOwner {
  /** Of the connection; for an app's own tokens, of the app. */
  readonly uid: string;
  readonly appUid: string;
  readonly tenantUid: string;
}

export interface CachedToken {
  /** The same object at every hit, until the clock is set back. */
  served: ServedToken;
  /** When it is replaced in the background; postponed when that failed. */
  aheadTime: Timestamp;
  /** Of the clock that its times refer to. */
  offset: Duration;
  /** The stored expiry, also if the clock was set back since: until then the stored copy must be recognized. */
  readonly sweepTime: Timestamp;
}

export interface TokenCacheFill {
  /** Keeps nothing if the owner was dropped since `open`. Closes the fill. */
  put(resource: string, served: ServedToken, soonestAhead?: Timestamp): void;
  close(): void;
}

/** Of one owner: callers choose the resources of app tokens, and Entra accepts many spellings of a path. */
const MOST_RESOURCES = 32;

/** More than a clock is slewed, and than a pause between two readings takes. */
const CLOCK_STEP: Duration = 5 * SECOND;

interface OpenFill {
  readonly owner: TokenOwner;
  /** Resources dropped since it was opened. */
  readonly dropped: Set<string>;
}

interface Slot {
  readonly owner: TokenOwner;
  readonly tokens: CachedToken[];
}

/** Access tokens in memory, by the uid of their connection (or app) and their resource. */
export function createTokenCache(limit: number, clock: Clock) {
  const slots = createBoundedCache<string, Slot>(limit);
  const shared = createSharedValues();
  const fills = new Map<object, OpenFill>();
  let known = { time: 0, offset: 0 };

  /** Reading a second clock costs as much as the rest of a hit, so it happens once a second. */
  function offsetAt(now: Timestamp): Duration {
    if (elapsedSince(known.time, now) >= SECOND) known = { time: now, offset: clockOffset(clock, now) };
    return known.offset;
  }

  function dropResource(ownerUid: string, resource: string): void {
    for (const { owner, dropped } of fills.values()) if (owner.uid === ownerUid) dropped.add(resource);
    const slot = slots.get(ownerUid);
    const at = slot?.tokens.findIndex((token) => token.served.accessToken.resource === resource) ?? -1;
    if (at !== -1) slot?.tokens.splice(at, 1);
  }

  function drop(change: Change): void {
    for (const [fill, { owner }] of fills) if (concerns(change, owner)) fills.delete(fill);
    if (change.kind === 'connection') {
      slots.delete(change.uid);
      return;
    }
    for (const slot of slots.values()) if (concerns(change, slot.owner)) slots.delete(slot.owner.uid);
  }

  return {
    /** With times by the wall clock as it is now, also if it was set back since. */
    find(ownerUid: string, resource: string, now: Timestamp): CachedToken | undefined {
      const slot = slots.get(ownerUid);
      if (slot === undefined) return undefined;
      for (const token of slot.tokens) {
        if (token.served.accessToken.resource !== resource) continue;
        const offset = offsetAt(now);
        if (offset < token.offset - CLOCK_STEP) shiftTimes(token, offset);
        return token;
      }
      return undefined;
    },
    /** Opened before the work starts, so that a token dropped meanwhile is not put back. */
    open(owner: TokenOwner): TokenCacheFill {
      // Read before the request to Entra: a clock that is set back meanwhile makes the token expire sooner, never later.
      const offset = clockOffset(clock, clock.now());
      const fill: TokenCacheFill = {
        put(resource, served, soonestAhead = 0) {
          const open = fills.get(fill);
          fills.delete(fill);
          if (open === undefined || open.dropped.has(resource)) return;
          const earlier = slots.get(owner.uid)?.tokens ?? [];
          const others = earlier.filter((token) => token.served.accessToken.resource !== resource);
          const accessToken = {
            ...served.accessToken,
            resource,
            permissions: shared.lists(served.accessToken.permissions),
          };
          const { refreshTime, expireTime } = accessToken;
          const token = {
            served: { ...served, accessToken, answer: undefined },
            offset,
            aheadTime: Math.max(refreshTime, soonestAhead),
            sweepTime: expireTime,
          };
          // The one put longest ago is dropped. A literal, because an array that grows has room for 16 more.
          slots.set(owner.uid, { owner, tokens: [token, ...others.slice(0, MOST_RESOURCES - 1)] });
        },
        close: () => fills.delete(fill),
      };
      fills.set(fill, { owner, dropped: new Set() });
      return fill;
    },
    drop,
    dropResource,
    clear(): void {
      fills.clear();
      slots.clear();
    },
    /** Drops the tokens that Entra refuses now. Tokens of the other resources stay. */
    dropRefused(connection: Connection): void {
      const { uid, resourceIssues } = connection;
      if (!isGrantSound(connection)) drop({ kind: 'connection', uid });
      for (const resource of Object.keys(resourceIssues))
        if (isRefused(connection, resource)) dropResource(uid, resource);
    },
    /** Removes expired tokens. */
    sweep(now: Timestamp): void {
      for (const slot of slots.values()) {
        for (let i = slot.tokens.length - 1; i >= 0; i--) {
          const token = slot.tokens[i];
          if (token !== undefined && token.sweepTime <= now) slot.tokens.splice(i, 1);
        }
        if (slot.tokens.length === 0) slots.delete(slot.owner.uid);
      }
    },
    get size(): number {
      return slots.size;
    },
  };
}

/** Keeps the remaining lifetime, and moves the times to the clock as it is now. */
function shiftTimes(token: CachedToken, offset: Duration): void {
  const step = token.offset - offset;
  const { accessToken } = token.served;
  const { expireTime, refreshTime } = accessToken;
  token.served = {
    ...token.served,
    answer: undefined,
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
    case 'data_keys':
      return false;
  }
}
