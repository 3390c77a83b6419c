import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { HOUR } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { Change } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import type { StateReason } from '../../src/model/state_reason.ts';
import {
  GRAPH,
  NOW,
  sampleAccessToken,
  sampleApp,
  sampleAttempt,
  sampleAuthorization,
  sampleConnection,
  sampleCredential,
  sampleGrant,
  sampleRotation,
} from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

interface Subject extends VaultUnderTest {
  credentialUid: string;
}

interface Case {
  /** The changes that others must learn. */
  readonly changes: readonly Change['kind'][];
  readonly work: (subject: Subject) => Promise<unknown>;
}

const REASON: StateReason = {
  reason: 'APP_MISCONFIGURED',
  entraError: undefined,
  correlationId: undefined,
  time: NOW,
};

const CASES: Readonly<Record<string, Case>> = {
  'updating a tenant': {
    changes: ['tenant'],
    work: ({ stores, tenant }) => stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' }),
  },
  'deleting a tenant': { changes: ['tenant'], work: ({ stores, tenant }) => stores.tenants.delete(tenant) },
  'deleting a large tenant': {
    // The suspension, and the deletion of the rest.
    changes: ['tenant', 'tenant'],
    async work({ stores, tenant, connect }) {
      await Promise.all(Array.from({ length: 251 }, (_, number) => connect(`c${number}`)));
      await stores.tenants.delete(tenant);
    },
  },
  'updating an app': {
    changes: ['app'],
    work: ({ stores, app }) => stores.apps.update(app, { ...app, suspended: true }),
  },
  'deleting an app': {
    changes: ['connection', 'app'],
    async work({ stores, app, connection }) {
      await stores.connections.delete(connection);
      await stores.apps.delete(app);
    },
  },
  'deleting the connections of a suspended app': {
    changes: [],
    work: ({ stores, connection }) => stores.connections.delete(connection, true),
  },
  'adding a credential': {
    changes: ['app'],
    work: ({ stores, app }) => stores.apps.addCredential(app, sampleCredential(app, 'second')),
  },
  'removing a credential': {
    changes: ['app'],
    work: ({ stores, app }) => stores.apps.removeCredential(app.uid, 'first'),
  },
  'preferring a credential': {
    changes: ['app'],
    work: ({ stores, credentialUid }) => stores.apps.prefer(credentialUid, NOW),
  },
  'a new verdict on a credential, repeated': {
    changes: ['app', 'app'],
    async work({ stores, credentialUid }) {
      for (const verdict of ['VALID', 'VALID', 'REJECTED', 'REJECTED'] as const)
        await stores.apps.recordVerdict(credentialUid, verdict, undefined, NOW);
    },
  },
  'a new state of an app': {
    changes: ['app'],
    work: ({ stores, app }) => stores.apps.recordAppState(app.uid, 'MISCONFIGURED', REASON),
  },
  'a failing directory of an app, and its recovery': {
    changes: ['app', 'app'],
    async work({ stores, app }) {
      await stores.apps.recordFailingDirectory(app.uid, 'd', REASON);
      await stores.apps.recordFailingDirectory(app.uid, 'd', undefined);
      await stores.apps.recordFailingDirectory(app.uid, 'd', undefined);
    },
  },
  'an inspection that finds another expiry, and one that finds nothing': {
    changes: ['app'],
    async work({ stores, credentialUid }) {
      const found = { credentialUid, configuredExpireTime: 1, entraExpireTime: 2, entraKeyId: 'k' };
      for (const expiries of [[found], []]) {
        const [due] = await stores.inspections.due(NOW + HOUR, 1);
        const inspection = { due: present(due), nextTime: NOW, knownKeyIds: [], expiries, events: [] };
        expect(await stores.inspections.record(inspection)).toBe(true);
      }
    },
  },
  'the steps of a rotation that change credentials': {
    changes: ['app', 'app', 'app'],
    async work({ stores, app, credentialUid }) {
      const rotation = sampleRotation(app);
      await stores.rotations.begin(rotation);
      const added = sampleCredential(app, 'next');
      const prefer = { credentialUid: added.credential.uid, time: NOW };
      const steps = [{}, { add: { app, credential: added } }, { prefer }, { remove: credentialUid }];
      for (const [index, step] of steps.entries()) {
        const before = { ...rotation, version: rotation.version + index };
        expect(await stores.rotations.advance({ before, after: rotation, ...step })).toBe(true);
      }
    },
  },
  'a completed admin consent': {
    changes: ['app'],
    work: ({ stores, app }) => stores.adminConsents.grant({ uid: newUid(), appUid: app.uid }),
  },
  'updating a connection': {
    changes: ['connection'],
    work: ({ stores, connection }) => stores.connections.update(connection, { ...connection, externalId: 'x' }),
  },
  'suspending and resuming a connection': {
    changes: ['connection', 'connection'],
    async work({ stores, connection }) {
      await stores.connections.setSuspended(connection, NOW, NOW);
      await stores.connections.setSuspended(connection, undefined, NOW);
    },
  },
  'deleting a connection': {
    changes: ['connection'],
    work: ({ stores, connection }) => stores.connections.delete(connection),
  },
  'replacing a grant': {
    changes: ['connection'],
    work: ({ stores, connection }) => stores.connections.replaceGrant(connection, connection, new Secret('rt-2')),
  },
  'confirming an authorization': {
    changes: ['connection'],
    async work({ stores, connection }) {
      const authorization = sampleAuthorization(connection);
      const attempt = sampleAttempt(authorization);
      const start = { connection: undefined, authorization, handleHash: 'h', attempt, stateHash: 's' };
      await stores.authorizations.start(start);
      await stores.authorizations.confirm(authorization, connection, connection, sampleGrant());
    },
  },
  'a refresh without another state': {
    changes: [],
    async work({ connection, lease }) {
      const refreshed = { ...connection, lastRefreshTime: NOW + 1, keepAliveTime: NOW + 2, updateTime: NOW + 1 };
      const tokens = { refreshToken: new Secret('rt-2'), accessToken: sampleAccessToken() };
      await (await lease()).record({ connection: refreshed, ...tokens });
      await (await lease()).release();
    },
  },
  'a refresh that changes the state': {
    changes: ['connection'],
    async work({ connection, lease }) {
      const stateReason = { ...REASON, reason: 'REAUTHORIZATION_REQUIRED' as const };
      await record(await lease(), { ...connection, grantState: 'REAUTHORIZATION_REQUIRED', stateReason });
    },
  },
  'a refresh that gains permissions': {
    changes: ['connection'],
    async work({ connection, lease }) {
      await record(await lease(), { ...connection, granted: { [GRAPH]: ['Mail.Read', 'User.Read'] } });
    },
  },
  'what is new, of which nothing is cached': {
    changes: [],
    async work({ stores, tenant, app, register, connect }) {
      await register('other');
      await stores.apps.create(sampleApp(tenant, 'other'), undefined);
      await connect('bob');
      await stores.connections.create(sampleConnection(tenant, app, 'eve'));
    },
  },
  'what is rejected': {
    changes: [],
    async work({ stores, tenant, app, connection }) {
      const stale = { version: 7 };
      expect(await reasonOf(stores.tenants.update({ ...tenant, ...stale }, tenant))).toBe('ETAG_MISMATCH');
      expect(await reasonOf(stores.apps.update({ ...app, ...stale }, app))).toBe('ETAG_MISMATCH');
      expect(await reasonOf(stores.apps.delete(app))).toBe('APP_IN_USE');
      expect(await reasonOf(stores.connections.update({ ...connection, ...stale }, connection))).toBe('ETAG_MISMATCH');
      expect(await stores.apps.removeCredential(app.uid, 'none')).toBe(false);
    },
  },
};

export function changesConformance(open: Open): void {
  describe('the changes feed', () => {
    test.each(Object.entries(CASES))('%s: exactly the right rows', async (_, { changes, work }) => {
      const vault = await startVault(open);
      const { stores, tenant, app, connection } = vault;
      const [credential] = await stores.apps.credentials(app.uid);
      const before = (await stores.changes.newest())?.position ?? 0;

      await work({ ...vault, credentialUid: present(credential).uid });

      const uids = { tenant: tenant.uid, app: app.uid, connection: connection.uid, data_keys: tenant.uid };
      const rows = await stores.changes.read(before + 1, 100);
      expect(rows.map(({ change }) => change)).toEqual(changes.map((kind) => ({ kind, uid: uids[kind] })));
    });

    test('positions of concurrent commits have no gaps, and a rejected commit gives its position back', async () => {
      const { stores, connection, connect } = await startVault(open);
      const others = await Promise.all(['b', 'c', 'd', 'e'].map((id) => connect(id)));
      const stale = { ...connection, version: 7 };

      await Promise.all([
        ...others.map((other) => stores.connections.setSuspended(other, NOW, NOW)),
        reasonOf(stores.connections.update(stale, stale)),
        stores.connections.delete(connection),
      ]);

      const rows = await stores.changes.read(0, 100);
      expect(rows.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
      expect(new Set(rows.map(({ uid }) => uid)).size).toBe(5);
      expect(await stores.changes.newest()).toEqual({ position: 5, uid: rows[4]?.uid });
      expect(await stores.changes.read(4, 1)).toEqual([rows[3]]);
    });

    test('the stores that committed a row know it, once', async () => {
      const { stores, connection } = await startVault(open);
      await stores.connections.delete(connection);
      const { uid } = present(await stores.changes.newest());

      expect([stores.changes.takeOwn(uid), stores.changes.takeOwn(uid)]).toEqual([true, false]);
    });

    test('old rows are swept up to the limit, but never the newest', async () => {
      const { stores, connection, damage } = await startVault(open);
      for (const time of [NOW, undefined, NOW, undefined]) await stores.connections.setSuspended(connection, time, NOW);
      const positions = async () => (await stores.changes.read(0, 9)).map(({ position }) => position);

      expect(await stores.changes.sweep(HOUR, 9)).toBe(0);
      await damage('changes', { time: sql`time - ${2 * HOUR} + position` });
      expect(await stores.changes.sweep(HOUR, 2)).toBe(2);
      expect(await positions()).toEqual([3, 4]);
      expect(await stores.changes.sweep(HOUR, 9)).toBe(1);
      expect(await positions()).toEqual([4]);
    });
  });
}

function record(lease: Awaited<ReturnType<VaultUnderTest['lease']>>, connection: Connection) {
  return lease.record({ connection, refreshToken: undefined, accessToken: undefined });
}
