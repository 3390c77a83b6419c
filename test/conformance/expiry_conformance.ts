import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { type Credential, NEVER } from '../../src/model/app_credential.ts';
import { DAY } from '../../src/model/clock.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import type { CredentialOfApp, DueReminder, Reminder } from '../../src/store/background_store_interfaces.ts';
import { NOW, sampleApp, sampleConnection, sampleCredential, sampleIssues } from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function expiryConformance(open: Open): void {
  describe('reminders', () => {
    test('a new credential is due at once, with its app and thresholds', async () => {
      const { stores, app } = await startVault(open);
      const { uid, credentialId, kind, hint, expireTime } = present((await stores.apps.credentials(app.uid))[0]);

      expect(await stores.expiry.dueReminders(NOW, 10)).toEqual([
        {
          rowid: expect.any(Number),
          credential: { uid, credentialId, kind, hint, expireTime },
          app: { tenantUid: app.tenantUid, tenantId: 'acme', appId: 'default', clientId: app.clientId },
          reminderTime: 0,
          lastRemindedDays: undefined,
          thresholds: undefined,
          othersEnd: undefined,
        },
      ]);
    });

    test('the last reminder is stored until the next; a credential without further reminders is never due', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      await stores.apps.addCredential(app, sampleCredential(app, 'endless', null));
      const [first, endless] = await due(vault);
      expect(present(endless).credential.expireTime).toBeUndefined();

      const published = await stores.expiry.remind([
        reminder(present(first), { days: 3, nextTime: NOW + 10 }),
        reminder(present(endless), { nextTime: undefined }),
      ]);

      expect(published).toBe(1);
      expect(await reminders(vault)).toEqual([`first 3`]);
      expect(await due(vault, NOW + 9)).toEqual([]);
      expect(await due(vault, NOW + 10)).toMatchObject([
        { credential: { credentialId: 'first' }, reminderTime: NOW + 10, lastRemindedDays: 3 },
      ]);
      expect(await due(vault, NOW + 9_999 * DAY)).toHaveLength(1);
    });

    test('events of one commit have consecutive numbers in their order', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      for (const id of ['second', 'third']) await stores.apps.addCredential(app, sampleCredential(app, id));
      const before = await stores.outbox.last();
      const given = (await due(vault)).map((one) => reminder(one, { days: 3, nextTime: NOW + 10 }));
      await stores.expiry.remind(given);

      const events = await stores.outbox.read(before, 9);
      expect(events.map(({ number }) => number - before)).toEqual([1, 2, 3]);
      expect(events.map(({ event }) => event.uid)).toEqual(given.map(({ event }) => event?.uid));
      expect(await stores.outbox.last()).toBe(before + 3);
    });

    test('a credential whose row moved is left out and stays due', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      await stores.apps.addCredential(app, sampleCredential(app, 'second'));
      const [first, second] = await due(vault);
      const moved = { ...present(first), rowid: present(second).rowid + 1 };
      const reminded = (due: DueReminder) => reminder(due, { days: 3, nextTime: NOW + 10 });

      expect(await stores.expiry.remind([reminded(moved), reminded(present(second))])).toBe(1);
      expect(await due(vault)).toEqual([first]);
    });

    test('the most overdue rows come first, up to the limit', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      for (const id of ['b', 'c', 'd']) await stores.apps.addCredential(app, sampleCredential(app, id));
      const nextTimes: Record<string, number> = { first: NOW + 3, b: NOW + 1, c: NOW + 4, d: NOW + 2 };
      await stores.expiry.remind(
        (await due(vault)).map((one) => reminder(one, { nextTime: nextTimes[one.credential.credentialId] })),
      );

      expect(idsOf(await stores.expiry.dueReminders(NOW + 3, 2))).toEqual(['b', 'd']);
      expect(idsOf(await stores.expiry.dueReminders(NOW + 3, 9))).toEqual(['b', 'd', 'first']);
    });

    test('credentials of suspended tenants and apps have reminders too', async () => {
      const vault = await startVault(open);
      const { stores, tenant, app } = vault;
      await stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });
      await stores.apps.update(app, { ...app, suspended: true });

      expect(await due(vault)).toHaveLength(1);
    });

    test.each<[string, Partial<Credential>, number | undefined]>([
      ['that ends later', { expireTime: NOW + 9 * DAY }, NOW + 9 * DAY],
      ['that ends sooner', { expireTime: NOW - DAY }, NOW - DAY],
      ['whose end nobody knows', { expireTime: undefined }, undefined],
      ['that Entra rejects', { expireTime: NOW + 9 * DAY, verdict: 'REJECTED' }, undefined],
      ['that begins before this one ends', { expireTime: NOW + 9 * DAY, notBefore: NOW + DAY }, NOW + 9 * DAY],
      ['that begins after a gap', { expireTime: NOW + 9 * DAY, notBefore: NOW + DAY + 1 }, undefined],
      ['that is federated, and has no end', { expireTime: undefined, kind: 'FEDERATED' }, 8_640_000_000_000_000],
      ['that is federated, and has one', { expireTime: NOW + 9 * DAY, kind: 'FEDERATED' }, NOW + 9 * DAY],
    ])('knows of another credential of the app %s', async (_, changes, othersEnd) => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      const { credential, material } = sampleCredential(app, 'other');
      await stores.apps.addCredential(app, { credential: { ...credential, ...changes }, material });
      const elsewhere = sampleApp(vault.tenant, 'elsewhere');
      await stores.apps.create(elsewhere, sampleCredential(elsewhere, 'long', NOW + 99 * DAY));

      const first = (await due(vault)).find(({ credential }) => credential.credentialId === 'first');

      expect(present(first).othersEnd).toBe(othersEnd);
    });

    test('the latest expiry of the other credentials counts', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      await stores.apps.addCredential(app, sampleCredential(app, 'b', NOW + 3 * DAY));
      await stores.apps.addCredential(app, sampleCredential(app, 'c', null));
      await stores.apps.addCredential(app, sampleCredential(app, 'd', NOW + 2 * DAY));

      expect(
        Object.fromEntries((await due(vault)).map(({ credential, othersEnd }) => [credential.credentialId, othersEnd])),
      ).toEqual({
        first: NOW + 3 * DAY,
        b: NOW + 2 * DAY,
        c: NOW + 3 * DAY,
        d: NOW + 3 * DAY,
      });
    });

    test('a reminder of another expiry time does not count', async () => {
      const vault = await startVault(open);
      const { stores, app, damage, database } = vault;
      await stores.expiry.remind((await due(vault)).map((one) => reminder(one, { days: 3, nextTime: NOW })));
      const { credentials } = database.tables;

      await damage('credentials', { expireTime: NOW + 50 * DAY }, eq(credentials.appUid, app.uid));

      expect(await due(vault)).toMatchObject([{ lastRemindedDays: undefined }]);
    });

    test('only rows that another replica has handled are left out of a batch', async () => {
      const vault = await startVault(open);
      const { stores, app, damage, database } = vault;
      for (const id of ['b', 'c', 'd', 'e']) await stores.apps.addCredential(app, sampleCredential(app, id));
      const { credentials } = database.tables;
      const ofId = (id: string) => and(eq(credentials.appUid, app.uid), eq(credentials.credentialId, id));
      const batch = (await due(vault)).map((one) => reminder(one, { days: 3, nextTime: NOW + DAY }));

      await damage('credentials', { expireTime: NOW + 99 * DAY }, ofId('first'));
      await damage('credentials', { reminderTime: NOW - 1 }, ofId('c'));
      await stores.apps.removeCredential(app.uid, 'e');

      expect(await stores.expiry.remind(batch)).toBe(2);
      expect(await reminders(vault)).toEqual(['b 3', 'd 3']);
      expect(idsOf(await due(vault)).sort()).toEqual(['c', 'first']);
    });

    test('two replicas with the same batch publish each event once', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      for (const id of ['b', 'c', 'd']) await stores.apps.addCredential(app, sampleCredential(app, id));
      const found = await due(vault);
      const batch = () => found.map((one) => reminder(one, { days: 3, nextTime: NOW + DAY }));

      const published = await Promise.all([stores.expiry.remind(batch()), stores.expiry.remind(batch().reverse())]);

      expect(published.reduce((sum, count) => sum + count)).toBe(4);
      expect((await reminders(vault)).sort()).toEqual(['b 3', 'c 3', 'd 3', 'first 3']);
      expect(await due(vault)).toEqual([]);
    });

    test('an event is not published twice, and its row does not stay due', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      await stores.apps.addCredential(app, sampleCredential(app, 'b'));
      const [first, b] = await due(vault);
      const again = reminder(present(first), { days: 3, nextTime: NOW + DAY });
      await stores.expiry.publish({ ...present(again.event), uid: newUid() });

      expect(await stores.expiry.remind([again, reminder(present(b), { days: 3, nextTime: NOW + DAY })])).toBe(1);

      expect((await reminders(vault)).toSorted()).toEqual(['b 3', 'first 3']);
      expect(await due(vault)).toEqual([]);
      expect(await due(vault, NOW + DAY)).toMatchObject([{ lastRemindedDays: 3 }, { lastRemindedDays: 3 }]);
    });

    test('a batch with the same credential twice handles it once', async () => {
      const vault = await startVault(open);
      const [first] = await due(vault);
      const twice = [1, 2].map((hours) => reminder(present(first), { days: 3, nextTime: NOW + hours }));

      expect(await vault.stores.expiry.remind(twice)).toBe(1);
      expect(await vault.stores.expiry.remind([])).toBe(0);

      expect(await due(vault, NOW + DAY)).toMatchObject([{ reminderTime: NOW + 1 }]);
    });

    test('only new thresholds of a tenant make all of its expiring credentials due', async () => {
      const vault = await startVault(open);
      const { stores, tenant, app, register } = vault;
      await register('other');
      await stores.apps.addCredential(app, sampleCredential(app, 'endless', null));
      await stores.expiry.remind((await due(vault)).map((one) => reminder(one, { days: 3, nextTime: undefined })));
      const renamed = await stores.tenants.update(tenant, { ...tenant, displayName: 'New' });
      expect(await due(vault, NOW + 999 * DAY)).toEqual([]);

      const stricter = await stores.tenants.update(renamed, { ...renamed, expiryThresholds: [90, 7] });
      expect(await due(vault)).toMatchObject([
        { credential: { credentialId: 'first' }, app: { tenantId: 'acme' }, thresholds: [90, 7], lastRemindedDays: 3 },
      ]);
      expect((await stores.tenants.find('acme'))?.expiryThresholds).toEqual([90, 7]);

      await stores.expiry.remind((await due(vault)).map((one) => reminder(one, { nextTime: undefined })));
      await stores.tenants.update(stricter, { ...stricter, expiryThresholds: [90, 7], labels: {} });
      expect(await due(vault)).toEqual([]);
      expect(await reasonOf(stores.tenants.update(stricter, { ...stricter, expiryThresholds: undefined }))).toBe(
        'ETAG_MISMATCH',
      );
      expect(await due(vault)).toEqual([]);
    });

    test('new thresholds win over reminders by the old ones, also if all rows were due', async () => {
      const vault = await startVault(open);
      const { stores, tenant } = vault;
      const decided = (await due(vault)).map((one) => reminder(one, { nextTime: NOW + 300 * DAY }));

      const stricter = await stores.tenants.update(tenant, { ...tenant, expiryThresholds: [90] });
      const decidedAgain = (await due(vault)).map((one) => reminder(one, { nextTime: NOW + 300 * DAY }));
      await stores.tenants.update(stricter, { ...stricter, expiryThresholds: [180] });
      await stores.expiry.remind(decided);
      await stores.expiry.remind(decidedAgain);

      expect(await due(vault)).toMatchObject([{ thresholds: [180] }]);
    });
  });

  describe('list of expiring credentials', () => {
    test('has pages, soonest first, with credentials without expiry last on request', async () => {
      const vault = await startVault(open);
      const { stores, app, register } = vault;
      const other = await register('other');
      const ends = { c: NOW + 2 * DAY, b: NOW + 2 * DAY, past: NOW - DAY, late: NOW + 9 * DAY };
      for (const [id, end] of Object.entries(ends)) {
        await stores.apps.addCredential(other.app, sampleCredential(other.app, id, end));
      }
      for (const id of ['x', 'y']) await stores.apps.addCredential(app, sampleCredential(app, id, null));
      await stores.apps.addCredential(app, sampleCredential(app, 'never', NEVER));
      await stores.apps.addCredential(other.app, sampleCredential(other.app, 'never-either', NEVER + DAY));
      const filter = { before: NOW + 9 * DAY, includeUnknown: true };

      const all = await listed(vault, filter, 100);
      expect(idsOf(all.slice(0, 3))).toEqual(['past', 'first', 'first']);
      expect(idsOf(all.slice(3, 5)).sort()).toEqual(['b', 'c']);
      expect(idsOf(all.slice(5, 7))).toEqual(['never', 'never-either']);
      expect(idsOf(all.slice(7)).sort()).toEqual(['x', 'y']);
      const longer = { before: NEVER + 2 * DAY, includeUnknown: false };
      expect(idsOf(await listed(vault, longer, 2))).toEqual([...idsOf(all.slice(0, 5)), 'late']);
      for (const size of [1, 2, 3, 5, 6, 7, 8, 9]) expect(await listed(vault, filter, size)).toEqual(all);

      expect(await listed(vault, { ...filter, includeUnknown: false }, 2)).toEqual(all.slice(0, 5));
      expect(await listed(vault, { ...longer, after: NOW - DAY }, 2)).toEqual(
        await listed(vault, { ...longer, after: NOW }, 2),
      );
      expect(idsOf(await listed(vault, { ...longer, after: NOW + 2 * DAY }, 2))).toEqual(['late']);
      const ofAcme = all.filter(({ app }) => app.tenantId === 'acme');
      expect(await listed(vault, { ...filter, tenantIds: ['acme'] }, 1)).toEqual(ofAcme);
      expect(await listed(vault, { ...filter, tenantIds: ['acme', 'other', 'nobody'] }, 2)).toEqual(all);
      expect(await listed(vault, { ...filter, tenantIds: [] }, 2)).toEqual([]);
      expect(all[0]).toEqual({
        credential: (await stores.apps.credentials(other.app.uid)).find(({ credentialId }) => credentialId === 'past'),
        app: {
          uid: other.app.uid,
          tenantUid: other.tenant.uid,
          tenantId: 'other',
          appId: 'default',
          clientId: other.app.clientId,
          displayName: 'Mail sync',
        },
      });
    });
  });

  describe('idle connections', () => {
    const DIES = NOW + 90 * DAY;

    test('are found when their valid refresh token is about to expire, soonest first', async () => {
      const { stores, tenant, app, connect } = await startVault(open);
      await connect('older', { lastRefreshTime: NOW - 3, externalId: 'x' });
      await connect('suspended', { lastRefreshTime: NOW - 2, suspendTime: NOW });
      await connect('needs-user', {
        lastRefreshTime: NOW - 4,
        grantState: 'REAUTHORIZATION_REQUIRED',
        keepAliveTime: undefined,
      });
      // Its resources are refused for reasons of their own; its refresh token ages all the same.
      await connect('refused', {
        lastRefreshTime: NOW - 1,
        grantState: 'BLOCKED',
        resourceIssues: sampleIssues('BLOCKED'),
      });
      await stores.connections.create(sampleConnection(tenant, app, 'pending', { lastRefreshTime: undefined }));

      const found = await stores.expiry.idleExpiring(DIES, 10);

      expect(found.map(({ connectionId }) => connectionId)).toEqual(['older', 'suspended', 'refused']);
      expect(found[0]).toMatchObject({ externalId: 'x', lastRefreshTime: NOW - 3, account: { objectId: 'o1' } });
      expect(await stores.expiry.idleExpiring(DIES, 1)).toHaveLength(1);
      expect(await stores.expiry.idleExpiring(DIES + 1, 10)).toHaveLength(4);
      expect(await stores.expiry.idleExpiring(DIES - 3, 10)).toEqual([]);
    });

    test('are reported once per last refresh', async () => {
      const vault = await startVault(open);
      const { stores, connection, lease } = vault;

      expect(await stores.expiry.remindIdle(connection, idleEvent(connection.uid, 1))).toBe(true);
      expect(await stores.expiry.remindIdle(connection, idleEvent(connection.uid, 1))).toBe(false);
      expect(await stores.expiry.idleExpiring(DIES + 1, 10)).toEqual([]);

      const redeemed = { ...connection, lastRefreshTime: NOW + 5 };
      await (await lease()).record({ connection: redeemed, refreshToken: undefined, accessToken: undefined });
      const [again] = await stores.expiry.idleExpiring(DIES + 6, 10);
      expect(await stores.expiry.remindIdle(connection, idleEvent(connection.uid, 2))).toBe(false);
      expect(await stores.expiry.remindIdle(present(again), idleEvent(connection.uid, 2))).toBe(true);
      expect(await eventsOf(vault, 'connection.idle_expiring')).toHaveLength(2);
    });

    test('are not reported twice if their reminder time is lost', async () => {
      const vault = await startVault(open);
      const { stores, connection, damage } = vault;
      await stores.expiry.remindIdle(connection, idleEvent(connection.uid, 1));
      await damage('connections', { idleRemindedTime: null });

      expect(await stores.expiry.remindIdle(connection, idleEvent(connection.uid, 1))).toBe(false);

      expect(await stores.expiry.idleExpiring(DIES + 1, 10)).toEqual([]);
      expect(await eventsOf(vault, 'connection.idle_expiring')).toHaveLength(1);
    });

    test('can still be changed by a caller that read them before the report', async () => {
      const { stores, connection } = await startVault(open);
      await stores.expiry.remindIdle(connection, idleEvent(connection.uid, 1));

      expect(await stores.connections.findByUid(connection.uid)).toEqual(connection);
      expect((await stores.connections.update(connection, { ...connection, labels: { a: 'b' } })).version).toBe(2);
    });
  });

  test('an event of the vault is published once for each dedupe key', async () => {
    const vault = await startVault(open);
    const { stores } = vault;

    expect(await stores.expiry.publish(vaultEvent('a'))).toBe(true);
    expect(await stores.expiry.publish(vaultEvent('a'))).toBe(false);
    expect(await stores.expiry.publish(vaultEvent('b'))).toBe(true);
    expect(await stores.expiry.publish(vaultEvent(undefined))).toBe(true);
    expect(await stores.expiry.publish(vaultEvent(undefined))).toBe(true);

    const events = await eventsOf(vault, 'vault.root_key_rotation_due');
    expect(events.map(({ dedupeKey }) => dedupeKey)).toEqual(['a', 'b', undefined, undefined]);
    expect(events[0]).toEqual({ ...vaultEvent('a'), uid: expect.any(String) });
  });
}

/** Sorted by time, and then with the credential `first` first: a database may return rows of the same time in any order. */
async function due({ stores }: VaultUnderTest, now = NOW): Promise<readonly DueReminder[]> {
  const orderOf = ({ reminderTime, credential: { credentialId } }: DueReminder) =>
    `${String(reminderTime).padStart(20)} ${credentialId === 'first' ? '' : credentialId}`;
  const rows = await stores.expiry.dueReminders(now, 100);
  return rows.toSorted((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1));
}

function idsOf(rows: readonly { readonly credential: Pick<Credential, 'credentialId'> }[]): string[] {
  return rows.map(({ credential }) => credential.credentialId);
}

function reminder(due: DueReminder, wish: { days?: number; nextTime: number | undefined }): Reminder {
  const { credential, app, lastRemindedDays } = due;
  const { days, nextTime } = wish;
  if (days === undefined) return { due, event: undefined, lastRemindedDays: lastRemindedDays, nextTime };
  const event: VaultEvent = {
    uid: newUid(),
    dedupeKey: `credential.expiring/${credential.expireTime}/${days}/${credential.uid}`,
    type: 'credential.expiring',
    severity: 'CRITICAL',
    tenantUid: app.tenantUid,
    tenantId: app.tenantId,
    subject: `tenants/${app.tenantId}/apps/${app.appId}/credentials/${credential.credentialId}`,
    time: NOW,
    data: {
      app: `tenants/${app.tenantId}/apps/${app.appId}`,
      clientId: app.clientId,
      kind: credential.kind,
      hint: credential.hint,
      expireTime: credential.expireTime ?? 0,
      thresholdDays: days,
      covered: false,
    },
  };
  return { due, event, lastRemindedDays: days, nextTime };
}

function idleEvent(connectionUid: string, time: number): VaultEvent {
  return {
    ...vaultEvent(`connection.idle_expiring/${connectionUid}/${time}`),
    type: 'connection.idle_expiring',
    data: { connectionUid, externalId: undefined, idleExpireTime: NOW },
  };
}

function vaultEvent(dedupeKey: string | undefined): VaultEvent {
  return {
    uid: newUid(),
    dedupeKey,
    type: 'vault.root_key_rotation_due',
    severity: 'WARNING',
    tenantUid: '',
    tenantId: '',
    subject: 'vault/root-key',
    time: NOW,
    data: { ageDays: 365 },
  };
}

async function eventsOf({ stores }: VaultUnderTest, type: VaultEvent['type']): Promise<VaultEvent[]> {
  const events = await stores.outbox.read(0, 1000);
  return events.map(({ event }) => event).filter((event) => event.type === type);
}

/** Which credential, and of how many days. */
async function reminders({ stores }: VaultUnderTest): Promise<string[]> {
  const events = await stores.outbox.read(0, 1000);
  return events.flatMap(({ event }) =>
    event.type === 'credential.expiring' ? `${event.subject.split('/').at(-1)} ${event.data.thresholdDays}` : [],
  );
}

async function listed(
  { stores }: VaultUnderTest,
  filter: { before: number; includeUnknown: boolean; tenantIds?: string[]; after?: number },
  size: number,
): Promise<CredentialOfApp[]> {
  const rows: CredentialOfApp[] = [];
  let after: string | undefined;
  do {
    const page = await stores.expiry.listExpiring({ size, after }, filter);
    expect(page.items.length).toBeLessThanOrEqual(size);
    rows.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return rows;
}
