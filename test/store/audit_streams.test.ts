import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AuditStream } from '../../src/audit/audit_log_interface.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { openTestStores } from './open_test_stores.ts';
import { temporaryFolder } from './temporary_folder.ts';

const STREAM: AuditStream = {
  streamId: 's1',
  name: 'pod-1:/data/audit.jsonl',
  firstNumber: 1,
  firstTime: 1,
  lastNumber: 5,
  lastTime: 5,
  chain: 'aa',
};

test('a database file has one process, so its newest stream is found under any name', async () => {
  const stores = await openTestStores({ path: join(temporaryFolder(), 'vault.db') });
  await stores.audit.saveStream(STREAM);
  await stores.audit.saveStream({ ...STREAM, streamId: 's0', lastTime: 4 });

  expect(await stores.audit.newestStream('pod-2:/elsewhere')).toEqual(STREAM);
  await stores.close();
});

test('streams and key of the audit log survive a restart', async () => {
  const place = { path: join(temporaryFolder(), 'vault.db'), keks: { current: createKek(randomBytes(32)) } };
  const before = await openTestStores(place);
  const key = await before.audit.auditKey();
  await before.audit.saveStream(STREAM);
  await before.close();

  const after = await openTestStores(place);
  expect(await after.audit.listStreams()).toEqual([STREAM]);
  expect(Buffer.from(await after.audit.auditKey())).toEqual(Buffer.from(key));
  await after.close();
});
