import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createContainedSet } from '../../src/model/contained_set.ts';
import { createStatusReader, type VaultStatusParts } from '../../src/status/read_vault_status.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function waitingReader(waiting: () => Promise<never>) {
  const contained = createContainedSet();
  contained.addLocal({ subject: 'tenants/acme', reason: '', caller: '', createTime: 0 });
  const stores = {
    isShared: true,
    rootKeyIds: ['key'],
    describe: waiting,
    kekAge: waiting,
    replicas: { listLive: waiting },
    leases: { listHeld: waiting },
    changes: { newest: waiting },
    expiry: { listExpiring: waiting },
  } as unknown as VaultStatusParts['stores'];
  return createStatusReader({
    stores,
    replica: { uid: 'u', name: 'vault-1', version: '1.2.3', startTime: 0, rootKeyIds: ['key'] },
    feed: { lag: 5_000, behind: true, position: 7 },
    readiness: { storage: waiting, audit: () => undefined },
    callersFile: () => undefined,
    contained,
    clock: { now: () => 0 },
  });
}

test('while the database does not answer, each read ends in time, and none is started twice', async () => {
  const waiting = vi.fn(() => new Promise<never>(() => {}));
  const reader = waitingReader(waiting);

  for (const _ of [1, 2, 3]) {
    const reading = reader.read(10);
    await vi.advanceTimersByTimeAsync(2_000);
    const status = await reading;
    expect(status).toMatchObject({
      replica: 'vault-1',
      ready: false,
      feed: { position: 7 },
      replicas: [],
      leaders: [],
    });
    expect(status.containments).toHaveLength(1);
    expect(status.checks).toMatchObject([{ state: 'failing' }, { state: 'ok' }]);
    const parts = ['database', 'replicas', 'leaders', 'root_keys', 'expiring_credentials'];
    expect(status.unread.map(({ part }) => part).toSorted()).toEqual(parts.toSorted());
    expect(new Set(status.unread.map(({ message }) => message))).toEqual(new Set(['The database does not answer.']));
  }
  // The leaders wait for the replicas, whose names they have.
  expect(waiting).toHaveBeenCalledTimes(6);
});

test('while the database does not answer, a read that begins during another one ends in time, too', async () => {
  const reader = waitingReader(() => new Promise<never>(() => {}));
  const first = reader.read(10);
  await vi.advanceTimersByTimeAsync(1_000);
  const second = reader.read(10);
  await vi.advanceTimersByTimeAsync(2_000);
  for (const { unread } of await Promise.all([first, second])) expect(unread).toHaveLength(5);
});
