import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { NOW } from './sample_rows.ts';
import { type Open, reasonOf, startVault } from './vault_under_test.ts';

export function auditConformance(open: Open): void {
  describe('audit ledger', () => {
    test('creates the audit key once, and no row contains it unsealed', async () => {
      const { stores, dump } = await startVault(open);

      const key = await stores.audit.auditKey();

      expect(key).toHaveLength(32);
      expect(Buffer.from(await stores.audit.auditKey()).equals(key)).toBe(true);
      expect(JSON.stringify(await dump())).not.toContain(JSON.stringify([...key]).slice(1, -1));
    });

    test('stores the last checkpoint, sealed', async () => {
      const { stores, database, damage } = await startVault(open);
      expect(await stores.audit.lastCheckpoint()).toBeUndefined();
      await stores.audit.saveCheckpoint({ number: 1, chain: 'aa', time: NOW });
      await stores.audit.saveCheckpoint({ number: 2, chain: 'bb', time: NOW });

      expect(await stores.audit.lastCheckpoint()).toEqual({ number: 2, chain: 'bb', time: NOW });

      const checkpoint = eq(database.tables.meta.key, 'audit_checkpoint');
      await damage('meta', { value: Buffer.from('{"number":1}') }, checkpoint);
      expect(await reasonOf(stores.audit.lastCheckpoint())).toBe('RECORD_CORRUPT');
    });

    test('the check fails if the canary cannot be opened', async () => {
      const { stores, database, damage } = await startVault(open);
      await stores.check();

      await damage('meta', { value: Buffer.from('x') }, eq(database.tables.meta.key, 'canary'));

      expect(await reasonOf(stores.check())).toBe('RECORD_CORRUPT');
    });
  });
}
