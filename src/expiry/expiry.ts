import { type Clock, DAY, type Timestamp } from '../model/clock.ts';
import type { Delivery } from '../model/delivery.ts';
import { fieldInvalid } from '../model/errors.ts';
import { tenantNotFound } from '../model/not_found.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Every } from '../model/timers.ts';
import type { CredentialOfApp } from '../store/background_stores.ts';
import type { Stores } from '../store/stores.ts';
import { follow, type StreamedEvent } from './follow_events.ts';

/** What ends, and what was told of it, for whoever asks. */
export interface Expiry {
  /** Soonest first; those that never end, or whose end nobody knows, last. TENANT_NOT_FOUND. */
  listExpiring(request: ListExpiring): Promise<Page<CredentialOfApp>>;
  /** From the cursor on, for as long as the signal lets it. TENANT_NOT_FOUND; DATABASE_UNAVAILABLE at any time. */
  events(after: EventCursor, filter: EventFilter, signal: AbortSignal): AsyncGenerator<StreamedEvent, void, void>;
  /** In the order of (sink, event), also of sinks that are not configured any more. */
  deadLetters(page: PageRequest, sinkId: string | undefined): Promise<Page<Delivery>>;
  /** Returns how many are pending again. FIELD_INVALID: there is no such sink. */
  redeliver(sinkId: string): Promise<number>;
}

export interface Audience {
  /** Undefined: `tenants/-`. */
  readonly tenantId: string | undefined;
  /** Whom the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
}

export interface ListExpiring extends Audience {
  /** Undefined: 60 days from now. */
  readonly before: Timestamp | undefined;
  readonly includeUnknown: boolean;
  readonly page: PageRequest;
}

/** The last sequence that was heard; `now`: nothing that has happened yet. */
export type EventCursor = number | 'now';

/** Events of the vault itself are for those alone who may see all tenants, and ask for all. */
export interface EventFilter extends Audience {
  readonly types: ReadonlySet<string>;
}

export interface ExpiryParts {
  readonly stores: Pick<Stores, 'tenants' | 'expiry' | 'outbox' | 'deliveries'>;
  readonly clock: Clock;
  readonly every: Every;
  /** As the operator configured them. */
  readonly sinkIds: readonly string[];
}

/** The first threshold of those that nobody configured. */
const AHEAD = 60 * DAY;

export function createExpiry({ stores, clock, every, sinkIds }: ExpiryParts): Expiry {
  /** Undefined: all tenants. */
  async function audience({ tenantId, tenantIds }: Audience): Promise<readonly string[] | undefined> {
    if (tenantId === undefined) return tenantIds;
    if ((await stores.tenants.find(tenantId)) !== undefined) return [tenantId];
    throw tenantNotFound(tenantId);
  }

  return {
    async listExpiring(request) {
      return stores.expiry.listExpiring(request.page, {
        tenantIds: await audience(request),
        before: request.before ?? clock.now() + AHEAD,
        includeUnknown: request.includeUnknown,
      });
    },

    async *events(after, filter, signal) {
      const tenantIds = await audience(filter);
      const last = await stores.outbox.last();
      yield* follow({
        outbox: stores.outbox,
        every,
        // A database that was restored from a backup may know less than its reader: what comes next must not wait until it has caught up.
        after: after === 'now' ? last : Math.min(after, last),
        isWanted: ({ type, tenantId }) => filter.types.has(type) && (tenantIds?.includes(tenantId) ?? true),
        signal,
      });
    },

    deadLetters: (page, sinkId) => stores.deliveries.deadLetters(page, sinkId),

    async redeliver(sinkId) {
      if (!sinkIds.includes(sinkId)) {
        const known = sinkIds.length === 0 ? 'none is configured' : `configured are ${sinkIds.join(', ')}`;
        throw fieldInvalid('sink', `there is no such sink; ${known}`);
      }
      return stores.deliveries.redeliver(sinkId, clock.now());
    },
  };
}
