import type { Clock } from '../../model/clock.ts';
import type { Database } from '../database_interface.ts';
import type { OutboxRows } from '../events/event_outbox.ts';
import type { ChangeRows } from '../replication/announce_changes_to_replicas.ts';
import type { TenantKeys } from './tenant_data_keys.ts';

/** What the stores and the row modules are built from. */
export interface StoreParts {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly outbox: OutboxRows;
  readonly changes: ChangeRows;
  readonly clock: Clock;
}
