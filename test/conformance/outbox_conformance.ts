import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Connection, connectionState, type GrantState } from '../../src/model/connection.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import type { ConnectionChanged } from '../../src/model/vault_event.ts';
import type { RefreshRecord } from '../../src/store/store_interfaces.ts';
import {
  GRAPH,
  NOW,
  sampleAccessToken,
  sampleAttempt,
  sampleAuthorization,
  sampleConnection,
  sampleGrant,
} from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function outboxConformance(open: Open): void {
  describe('outbox', () => {
    test('publishes all changes of a connection in order', async () => {
      const vault = await startVault(open);
      const { stores, connection, clock, lease } = vault;
      clock.time = NOW + 1;

      const renamed = await stores.connections.update(connection, {
        ...connection,
        externalId: 'x',
        labels: { a: 'b' },
      });
      const suspended = await stores.connections.setSuspended(renamed, NOW, NOW);
      const resumed = await stores.connections.setSuspended(suspended, undefined, NOW);
      await (await lease()).record(failing(resumed));
      const failed = present(await stores.connections.findByUid(connection.uid));
      const granted = await stores.connections.replaceGrant(
        failed,
        { ...failed, grantState: 'ACTIVE', stateReason: undefined },
        new Secret('rt'),
      );
      await stores.connections.delete(granted);

      const events = await stores.outbox.read(0, 100);
      expect(
        (await published(vault)).map(({ change, previousState, state }) => [change, previousState, state]),
      ).toEqual([
        ['CREATED', undefined, 'ACTIVE'],
        ['RENAMED', 'ACTIVE', 'ACTIVE'],
        ['STATE', 'ACTIVE', 'SUSPENDED'],
        ['STATE', 'SUSPENDED', 'ACTIVE'],
        ['STATE', 'ACTIVE', 'REAUTHORIZATION_REQUIRED'],
        ['GRANTED', 'REAUTHORIZATION_REQUIRED', 'ACTIVE'],
        ['DELETED', 'ACTIVE', undefined],
      ]);
      expect(events[4]?.event).toEqual({
        uid: expect.any(String),
        dedupeKey: undefined,
        type: 'connection.changed',
        severity: 'WARNING',
        tenantUid: connection.tenantUid,
        tenantId: 'acme',
        subject: 'tenants/acme/connections/ada',
        time: NOW + 1,
        data: {
          change: 'STATE',
          connectionUid: connection.uid,
          externalId: 'x',
          state: 'REAUTHORIZATION_REQUIRED',
          previousState: 'ACTIVE',
          reason: 'REAUTHORIZATION_REQUIRED',
        },
      });
      expect(new Set(events.map(({ event }) => event.uid)).size).toBe(events.length);
    });

    test('publishes a new pending connection and its confirmed grant', async () => {
      const vault = await startVault(open);
      const { stores, tenant, app } = vault;
      const bob = sampleConnection(tenant, app, 'bob', { grantState: 'PENDING', externalId: 'b' });
      await stores.connections.create(sampleConnection(tenant, app, 'eve', { grantState: 'PENDING' }));
      const authorization = await authorize(vault, bob, bob);
      await stores.authorizations.confirm(authorization, bob, { ...bob, grantState: 'ACTIVE' }, sampleGrant());

      expect(await changes(vault)).toEqual([
        'ada CREATED ACTIVE',
        'eve CREATED PENDING',
        'bob CREATED PENDING',
        'bob GRANTED ACTIVE',
      ]);
    });

    test('a refresh without visible changes writes no event', async () => {
      const vault = await startVault(open);
      const { connection, lease } = vault;
      const learned = { ...connection, granted: { [GRAPH]: ['Mail.Read', 'User.Read'] }, lastRefreshTime: NOW + 1 };

      await (await lease()).record({
        connection: learned,
        refreshToken: new Secret('rt-2'),
        accessToken: sampleAccessToken(),
      });
      await (await lease()).release();

      expect(await changes(vault)).toEqual(['ada CREATED ACTIVE']);
    });

    test('rejected and fenced changes are not published', async () => {
      const vault = await startVault(open);
      const { stores, tenant, app, connection, connect, lease } = vault;
      await connect('bob', { externalId: 'b' });
      const authorization = await authorize(vault, connection);
      const stale = { ...connection, version: 7 };
      const held = await lease();
      await stores.connections.setSuspended(connection, NOW, NOW);
      const before = await vault.dump();

      expect(await held.record(failing(connection))).toBe('fenced');
      expect(await reasonOf(connect('ada'))).toBe('CONNECTION_EXISTS');
      expect(await reasonOf(connect('eve', { externalId: 'b' }))).toBe('CONNECTION_EXISTS');
      expect(await reasonOf(stores.connections.update(stale, { ...stale, labels: { a: 'b' } }))).toBe('ETAG_MISMATCH');
      expect(await reasonOf(stores.connections.replaceGrant(stale, stale, new Secret('rt')))).toBe('ETAG_MISMATCH');
      expect(await reasonOf(stores.authorizations.confirm(authorization, stale, stale, sampleGrant()))).toBe(
        'ETAG_MISMATCH',
      );
      const gone = sampleConnection(tenant, app, 'gone');
      expect(await reasonOf(stores.connections.delete(gone))).toBe('CONNECTION_NOT_FOUND');

      expect(await vault.dump()).toEqual(before);
    });

    test('a repeated record publishes one event', async () => {
      const vault = await startVault(open);
      const held = await vault.lease();

      expect(await held.record(failing(vault.connection))).toBe('recorded');
      expect(await held.record(failing(vault.connection))).toBe('recorded');

      expect(await changes(vault)).toEqual(['ada CREATED ACTIVE', 'ada STATE REAUTHORIZATION_REQUIRED']);
    });

    test('publishes the stored connection, not the one that the caller has read', async () => {
      const vault = await startVault(open);
      const { stores, connection, lease } = vault;
      const held = await lease();
      await stores.connections.update(connection, { ...connection, externalId: 'new' });
      await held.record(failing(connection));
      // With what they read long ago:
      await stores.connections.setSuspended(connection, NOW, NOW);
      await stores.connections.setSuspended(connection, undefined, NOW);
      await stores.connections.delete(connection);

      expect((await published(vault)).slice(2)).toMatchObject([
        { externalId: 'new', previousState: 'ACTIVE', state: 'REAUTHORIZATION_REQUIRED' },
        { externalId: 'new', previousState: 'REAUTHORIZATION_REQUIRED', state: 'SUSPENDED' },
        { externalId: 'new', previousState: 'SUSPENDED', state: 'REAUTHORIZATION_REQUIRED' },
        { externalId: 'new', previousState: 'REAUTHORIZATION_REQUIRED', change: 'DELETED' },
      ]);
    });

    test('suspension and deletion win over changes between their read and write', async () => {
      const vault = await startVault(open);
      const { stores, connection } = vault;
      const update = (before: Connection) => stores.connections.update(before, { ...before, externalId: 'between' });

      const suspending = [reasonOf(update(connection)), stores.connections.setSuspended(connection, NOW, NOW)] as const;
      const [, suspended] = await Promise.all(suspending);
      expect(await stores.connections.findByUid(connection.uid)).toEqual(suspended);
      expect(suspended.suspendTime).toBe(NOW);

      await Promise.all([reasonOf(update(suspended)), stores.connections.delete(suspended)]);
      expect(await stores.connections.findByUid(connection.uid)).toBeUndefined();
      // The update may come first.
      expect((await changes(vault)).at(-1)).toMatch(/^(ada|between) DELETED undefined$/);
    });

    test('the events describe every connection after any sequence of changes', async () => {
      const anyAct = fc.record({
        what: fc.constantFrom(...Object.keys(ACTS)),
        id: fc.constantFrom('ada', 'bob'),
        externalId: fc.constantFrom(undefined, 'x', 'y'),
        grantState: fc.constantFrom<GrantState>('ACTIVE', 'BLOCKED', 'REAUTHORIZATION_REQUIRED'),
        /** Acts on what was read some acts ago. */
        stale: fc.nat(2),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(anyAct, { minLength: 3, maxLength: 25 }), async (acts) => {
          const vault = await startVault(open);
          const read: Record<string, Connection[]> = { ada: [vault.connection], bob: [] };
          for (const { what, id, stale, ...wish } of acts) {
            const known = read[id] ?? [];
            const reason = await reasonOf(present(ACTS[what])({ vault, id, connection: known[stale], ...wish }));
            expect(['none', 'ETAG_MISMATCH', 'CONNECTION_EXISTS', 'CONNECTION_NOT_FOUND']).toContain(reason);
            const now = await vault.stores.connections.find(vault.tenant.uid, id);
            if (now !== undefined) known.unshift(now);
          }

          const last = new Map<string, ConnectionChanged>();
          for (const data of await published(vault)) {
            expect(data.previousState).toBe(last.get(data.connectionUid)?.state);
            last.set(data.connectionUid, data);
          }
          for (const [uid, { state, externalId }] of last) {
            const stored = await vault.stores.connections.findByUid(uid);
            expect(stored && connectionState(stored)).toBe(state);
            if (stored !== undefined) expect(stored.externalId).toBe(externalId);
          }
          expect((await vault.dump())['connections']?.every((row) => last.has((row as { uid: string }).uid))).toBe(
            true,
          );
        }),
        { numRuns: 40 },
      );
    });

    test('is read from a sequence on, and sequences are never reused', async () => {
      const vault = await startVault(open);
      const { stores, connect } = vault;
      await Promise.all(Array.from({ length: 9 }, (_, number) => connect(`c${number}`)));

      const all = await stores.outbox.read(0, 100);
      expect(all).toHaveLength(10);
      const cursors = all.map(({ sequence }) => sequence);
      expect(cursors).toEqual([...new Set(cursors)].sort((one, other) => one - other));
      const some = await stores.outbox.read(0, 4);
      expect([...some, ...(await stores.outbox.read(present(some.at(-1)).sequence, 100))]).toEqual(all);

      expect(await stores.outbox.sweep(NOW + 1, 100)).toBe(10);
      await connect('late');
      const [late] = await stores.outbox.read(0, 100);
      expect(present(late).sequence).toBeGreaterThan(present(cursors.at(-1)));
      expect(await stores.outbox.read(present(late).sequence, 100)).toEqual([]);
    });

    test('sweeping deletes older events up to the limit, oldest first', async () => {
      const vault = await startVault(open);
      const { stores, connect, clock } = vault;
      for (const [id, time] of [
        ['b', NOW + 2],
        ['c', NOW + 1],
        ['d', NOW + 3],
      ] as const) {
        clock.time = time;
        await connect(id);
      }

      expect(await stores.outbox.sweep(NOW + 3, 2)).toBe(2);
      expect(await changes(vault)).toEqual(['b CREATED ACTIVE', 'd CREATED ACTIVE']);
      expect(await stores.outbox.sweep(NOW + 3, 2)).toBe(1);
      expect(await stores.outbox.sweep(NOW + 3, 2)).toBe(0);
      expect(await changes(vault)).toEqual(['d CREATED ACTIVE']);
    });

    test('deletes all events of a deleted tenant, and no others', async () => {
      const vault = await startVault(open);
      const { stores, tenant, connection, register } = vault;
      const other = await register('other');
      await stores.connections.create(sampleConnection(other.tenant, other.app, 'bob'));
      let renamed = connection;
      for (let times = 0; times < 1001; times++) {
        renamed = await stores.connections.update(renamed, { ...renamed, externalId: `x${times}` });
      }
      expect(await reasonOf(stores.tenants.delete({ ...tenant, version: 7 }))).toBe('ETAG_MISMATCH');
      expect(await stores.outbox.read(0, 2000)).toHaveLength(1003);

      await stores.tenants.delete(tenant);
      expect(await changes(vault)).toEqual(['bob CREATED ACTIVE']);
      await stores.tenants.delete(other.tenant);
      expect(await changes(vault)).toEqual([]);
    });
  });
}

interface Act {
  vault: VaultUnderTest;
  id: string;
  /** Undefined: there was none. */
  connection: Connection | undefined;
  externalId: string | undefined;
  grantState: GrantState;
}

const ACTS: Readonly<Record<string, (act: Act) => Promise<unknown>>> = {
  connect: ({ vault, id, externalId }) => vault.connect(id, { externalId, uid: newUid() }),
  rename: async ({ vault, connection, externalId }) =>
    connection && vault.stores.connections.update(connection, { ...connection, externalId }),
  suspend: async ({ vault, connection }) => connection && vault.stores.connections.setSuspended(connection, NOW, NOW),
  resume: async ({ vault, connection }) =>
    connection && vault.stores.connections.setSuspended(connection, undefined, NOW),
  refresh: async ({ vault, connection, grantState }) => {
    if (connection === undefined) return;
    const request = { owner: 'r', resource: GRAPH, duration: -1 };
    const held = await vault.stores.grants.lease(connection.uid, request);
    if (held === undefined) return;
    const after = { ...held.connection, grantState };
    await held.record({ connection: after, refreshToken: undefined, accessToken: undefined });
  },
  'refresh while it is renamed': async ({ vault, connection, grantState, externalId }) => {
    if (connection === undefined) return;
    const request = { owner: 'r', resource: GRAPH, duration: -1 };
    const held = await vault.stores.grants.lease(connection.uid, request);
    if (held === undefined) return;
    await vault.stores.connections.update(held.connection, { ...held.connection, externalId });
    const after = { ...held.connection, grantState };
    await held.record({ connection: after, refreshToken: undefined, accessToken: undefined });
  },
  import: async ({ vault, connection, externalId, grantState }) =>
    connection &&
    vault.stores.connections.replaceGrant(connection, { ...connection, externalId, grantState }, new Secret('rt')),
  delete: async ({ vault, connection }) => connection && vault.stores.connections.delete(connection),
};

function failing(connection: Connection): RefreshRecord {
  const evidence = { reason: 'REAUTHORIZATION_REQUIRED', entraError: 'e', correlationId: 'c', time: NOW } as const;
  return {
    connection: { ...connection, grantState: 'REAUTHORIZATION_REQUIRED', stateReason: evidence },
    refreshToken: undefined,
    accessToken: undefined,
  };
}

async function authorize({ stores }: VaultUnderTest, connection: Connection, created?: Connection | undefined) {
  const authorization = sampleAuthorization(connection);
  await stores.authorizations.start({
    connection: created,
    authorization,
    handleHash: 'handle',
    attempt: sampleAttempt(authorization),
    stateHash: 'state',
  });
  return authorization;
}

async function changedEvents({ stores }: VaultUnderTest) {
  const events = await stores.outbox.read(0, 2000);
  return events.flatMap(({ event }) => (event.type === 'connection.changed' ? event : []));
}

async function published(vault: VaultUnderTest): Promise<ConnectionChanged[]> {
  return (await changedEvents(vault)).map(({ data }) => data);
}

async function changes(vault: VaultUnderTest): Promise<string[]> {
  const events = await changedEvents(vault);
  return events.map(({ subject, data }) => `${subject.split('/').at(-1)} ${data.change} ${data.state}`);
}
