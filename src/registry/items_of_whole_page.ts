import { VaultError } from '../model/errors.ts';
import type { Page } from '../model/page.ts';

/** For checks and deletions, which must not overlook a row. RECORD_CORRUPT if one was left out. */
export function itemsOfWholePage<Item>({ items, unreachable }: Page<Item>): readonly Item[] {
  const resource = unreachable?.[0];
  if (resource === undefined) return items;
  throw new VaultError(
    'RECORD_CORRUPT',
    `The stored row of ${resource} was changed or is damaged. Restore it from a backup.`,
    { metadata: { resource } },
  );
}
