import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { AuditStream } from '../../src/audit/audit_log_interface.ts';
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

    test('replicas that start at once on an empty database have the same audit key', async () => {
      const { stores } = await startVault(open);

      const keys = await Promise.all(Array.from({ length: 5 }, () => stores.audit.auditKey()));

      expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
    });

    test('stores the end of each stream, sealed', async () => {
      const { stores, database, damage } = await startVault(open);
      const [one, other] = [sampleStream('one'), sampleStream('other')];
      await stores.audit.saveStream({ ...one, lastNumber: 0 });
      await stores.audit.saveStream(other);
      await stores.audit.saveStream(one);

      expect(await stores.audit.findStream('one')).toEqual(one);
      expect(await stores.audit.findStream('absent')).toBeUndefined();
      expect(await stores.audit.listStreams()).toEqual([one, other]);

      const { auditStreams } = database.tables;
      await damage('auditStreams', { lastNumber: 1, lastTime: 1 }, eq(auditStreams.streamId, 'one'));
      expect(await stores.audit.findStream('one')).toEqual(one);
    });

    test('the checkpoint of one stream is not valid for another', async () => {
      const { stores, database, damage } = await startVault(open);
      await stores.audit.saveStream(sampleStream('one'));
      await stores.audit.saveStream(sampleStream('other'));
      const { auditStreams } = database.tables;
      const [row] = await database.select('test', (db) =>
        db.select().from(auditStreams).where(eq(auditStreams.streamId, 'other')),
      );

      await damage('auditStreams', { checkpoint: row?.checkpoint ?? null }, eq(auditStreams.streamId, 'one'));

      expect(await reasonOf(stores.audit.findStream('one'))).toBe('RECORD_CORRUPT');
      expect(await reasonOf(stores.audit.listStreams())).toBe('RECORD_CORRUPT');
    });

    test('finds the stream that was written last in a place', async () => {
      const { stores } = await startVault(open);
      const name = 'host-1:/data/audit.jsonl';
      expect(await stores.audit.newestStream(name)).toBeUndefined();
      await stores.audit.saveStream({ ...sampleStream('new'), name, lastTime: NOW + 2 });
      await stores.audit.saveStream({ ...sampleStream('old'), name, lastTime: NOW + 1 });

      expect(await stores.audit.newestStream(name)).toMatchObject({ streamId: 'new' });
    });

    test('the check fails if the canary cannot be opened', async () => {
      const { stores, database, damage } = await startVault(open);
      await stores.check();

      await damage('meta', { value: Buffer.from('x') }, eq(database.tables.meta.key, 'canary'));

      expect(await reasonOf(stores.check())).toBe('RECORD_CORRUPT');
    });
  });
}

function sampleStream(streamId: string): AuditStream {
  const name = `host:/data/${streamId}.jsonl`;
  return { streamId, name, firstNumber: 1, firstTime: NOW, lastNumber: 7, lastTime: NOW, chain: 'aa' };
}
