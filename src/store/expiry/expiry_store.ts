import type { ExpiryStore } from '../background_store_interfaces.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import { createReminders } from './credential_expiry_reminders.ts';
import { createIdleReminders } from './idle_connection_reminders.ts';
import { createExpiringCredentials } from './list_expiring_credentials.ts';

export function createExpiryStore(parts: StoreParts): ExpiryStore {
  return {
    ...createReminders(parts),
    ...createIdleReminders(parts),
    listExpiring: createExpiringCredentials(parts),
    publish: parts.outbox.publishOnce,
  };
}
