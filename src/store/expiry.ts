import { createEndingList } from './ending_list.ts';
import { createIdleReminders } from './idle_reminders.ts';
import type { ExpiryStoreParts } from './outbox.ts';
import { createReminders } from './reminders.ts';
import type { ExpiryStore } from './upkeep_stores.ts';

export function createExpiryStore(parts: ExpiryStoreParts): ExpiryStore {
  return {
    ...createReminders(parts),
    ...createIdleReminders(parts),
    listEnding: createEndingList(parts.database),
    tell: parts.outbox.tellOnce,
  };
}
