import type { ExpiryStore } from '../background_stores.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import { createExpiringCredentials } from './expiring_credentials.ts';
import { createIdleReminders } from './idle_reminder_rows.ts';
import { createReminders } from './reminder_rows.ts';

export function createExpiryStore(parts: StoreParts): ExpiryStore {
  return {
    ...createReminders(parts),
    ...createIdleReminders(parts),
    listExpiring: createExpiringCredentials(parts.database),
    publish: parts.outbox.publishOnce,
  };
}
