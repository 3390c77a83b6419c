import { type Clock, DAY, type Timestamp } from '../model/clock.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Delivery } from '../model/event_delivery.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { tenantNotFound } from '../model/not_found_errors.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { CredentialOfApp } from '../store/background_store_interfaces.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { follow, type StreamedEvent } from './stream_outbox_events.ts';

/** Queries about expiring credentials, published events and dead letters. */
export interface Expiry {
  /** Soonest first; credentials without an expiry date last. TENANT_NOT_FOUND. */
  listExpiring(request: ListExpiring): Promise<Page<CredentialOfApp>>;
  /** Events after the cursor, until the signal aborts. TENANT_NOT_FOUND; DATABASE_UNAVAILABLE at any time. */
  events(after: EventCursor, filter: EventFilter, signal: AbortSignal): AsyncGenerator<StreamedEvent, void, void>;
  /** In the order of (sink, event), including those of removed sinks. */
  deadLetters(page: PageRequest, sinkId: string | undefined): Promise<Page<Delivery>>;
  /** Returns how many are pending again. FIELD_INVALID for an unknown sink. */
  redeliver(sinkId: string): Promise<number>;
}

export interface Audience {
  /** Undefined: `tenants/-`. */
  readonly tenantId: string | undefined;
  /** The tenants that the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
}

export interface ListExpiring extends Audience {
  /** Undefined: 60 days from now. */
  readonly before: Timestamp | undefined;
  readonly includeUnknown: boolean;
  readonly page: PageRequest;
}

/** The number of the last event that the reader has; `now` skips all past events. */
export type EventCursor = number | 'now';

/**
 * Events of the vault itself are sent only if the caller may see all tenants and requests all. The tenants that the
 * caller may see can change during a stream.
 */
export interface EventFilter extends Audience {
  readonly types: ReadonlySet<string>;
}

export interface ExpiryParts {
  readonly stores: Pick<Stores, 'tenants' | 'expiry' | 'outbox' | 'deliveries'>;
  readonly clock: Clock;
  readonly every: Every;
  /** Ids of the configured sinks. */
  readonly sinkIds: () => readonly string[];
}

/** The first default threshold. */
const AHEAD = 60 * DAY;

export function createExpiry({ stores, clock, every, sinkIds }: ExpiryParts): Expiry {
  /** Undefined: all tenants. */
  async function audience({ tenantId, tenantIds }: Audience): Promise<readonly string[] | undefined> {
    if (tenantId === undefined) return tenantIds;
    if ((await stores.tenants.find(tenantId)) !== undefined) return [tenantId];
    throw tenantNotFound(tenantId);
  }

  function isVisible(filter: Audience, tenantId: string): boolean {
    if (filter.tenantId !== undefined) return tenantId === filter.tenantId;
    return filter.tenantIds?.includes(tenantId) ?? true;
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
      await audience(filter);
      const last = await stores.outbox.last();
      yield* follow({
        outbox: stores.outbox,
        every,
        // After a restore from a backup the cursor may be ahead of the outbox; the reader must still get new events.
        after: after === 'now' ? last : Math.min(after, last),
        isWanted: ({ type, tenantId }) => filter.types.has(type) && isVisible(filter, tenantId),
        signal,
      });
    },

    deadLetters: (page, sinkId) => stores.deliveries.deadLetters(page, sinkId),

    async redeliver(sinkId) {
      const ids = sinkIds();
      if (!ids.includes(sinkId)) {
        const known = ids.length === 0 ? 'No sink is configured' : `The configured sinks are ${ids.join(', ')}`;
        throw fieldInvalid('sink', `is not a configured sink. ${known}.`);
      }
      return stores.deliveries.redeliver(sinkId, clock.now());
    },
  };
}
