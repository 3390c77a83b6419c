import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import type { DueInspection, Inspection } from '../../src/store/background_store_interfaces.ts';
import { NOW, sampleApp, sampleCredential } from './sample_rows.ts';
import { type Open, present, startVault, type VaultUnderTest } from './vault_under_test.ts';

const LATER = NOW + 7 * DAY;
const VAULT = 'https://acme.vault.azure.net/secrets';

export function inspectionsConformance(open: Open): void {
  describe('apps due for inspection', () => {
    test('a new app is due at once, with its credentials in the order in which they were added', async () => {
      const vault = await startVault(open);
      const { stores, app, tenant } = vault;
      for (const id of ['b', 'a']) await stores.apps.addCredential(app, sampleCredential(app, id));
      await stores.apps.create(sampleApp(tenant, 'bare'), undefined);

      const due = await dueNow(vault);

      const [first, bare] = ['default', 'bare'].map((id) => due.find(({ app }) => app.appId === id));
      expect(first).toEqual({
        app,
        credentials: await stores.apps.credentials(app.uid),
        inspectTime: expect.any(Number),
        knownKeyIds: [],
      });
      expect(first?.credentials.map(({ credentialId }) => credentialId)).toEqual(['first', 'b', 'a']);
      expect(bare?.credentials).toEqual([]);
      expect(due).toHaveLength(2);
    });

    test('what was read of the registration stays until it is read again', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      const [due] = await dueNow(vault);
      const reading = {
        readTime: NOW,
        unknown: [
          { keyId: 'k1', kind: 'CLIENT_SECRET', hint: 'abc', expireTime: LATER },
          { keyId: 'k2', kind: 'CERTIFICATE', hint: undefined, expireTime: undefined },
        ],
      } as const;
      expect(await stores.inspections.readings([app.uid])).toEqual(new Map());

      await record(vault, present(due), { reading });
      expect(await stores.inspections.readings([app.uid, newUid()])).toEqual(new Map([[app.uid, reading]]));
      await update(vault, { displayName: 'Changed' });
      await record(vault, await looked(vault), {});
      expect(await stores.inspections.readings([app.uid])).toEqual(new Map([[app.uid, reading]]));
      await record(vault, await looked(vault), { reading: { readTime: LATER, unknown: [] } });
      expect(await stores.inspections.readings([app.uid])).toEqual(
        new Map([[app.uid, { readTime: LATER, unknown: [] }]]),
      );
    });

    test('the most overdue apps come first, up to the limit; inspected ones wait', async () => {
      const vault = await startVault(open);
      const nextTimes: Record<string, number> = { acme: NOW + 3, beta: NOW + 1, gamma: NOW + 4, delta: NOW + 2 };
      for (const id of ['beta', 'gamma', 'delta']) await vault.register(id);
      for (const due of await dueNow(vault)) await record(vault, due, { nextTime: nextTimes[due.app.tenantId] ?? 0 });

      expect(await dueNow(vault)).toEqual([]);
      const tenantIds = async (limit: number) =>
        (await vault.stores.inspections.due(NOW + 3, limit)).map(({ app }) => app.tenantId);
      expect(await tenantIds(2)).toEqual(['beta', 'delta']);
      expect(await tenantIds(9)).toEqual(['beta', 'delta', 'acme']);
    });

    test('a row is due if its time is impossibly far ahead, because the clock was set back', async () => {
      const vault = await startVault(open);
      await vault.register('beta');
      const [first, second] = await dueNow(vault);
      await record(vault, present(first), { nextTime: NOW + 8 * DAY });
      await record(vault, present(second), { nextTime: NOW + 99 * DAY });

      expect((await dueNow(vault)).map(({ app }) => app.uid)).toEqual([present(second).app.uid]);
      expect(await vault.stores.inspections.due(NOW + 8 * DAY, 1)).toMatchObject([
        { app: { uid: present(first).app.uid } },
      ]);
    });

    test('stores next time, known key ids, expiry times and events; the app version does not change', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      const due = await looked(vault);
      const uid = present(due.credentials[0]).uid;
      const ends = { configuredExpireTime: NOW + 9 * DAY, entraExpireTime: NOW + 5 * DAY, entraKeyId: 'k1' };

      const event = unknown(app, 'k2');
      expect(
        await record(vault, due, { knownKeyIds: ['k2'], expiries: [{ credentialUid: uid, ...ends }], events: [event] }),
      ).toBe(true);

      expect(await stores.apps.credentials(app.uid)).toEqual([
        { ...present(due.credentials[0]), ...ends, expireTime: NOW + 5 * DAY },
      ]);
      expect(await stores.inspections.due(LATER, 9)).toMatchObject([{ inspectTime: LATER, knownKeyIds: ['k2'] }]);
      expect(await stores.apps.findByUid(app.uid)).toEqual(app);
      expect((await stores.outbox.read(0, 99)).at(-1)?.event).toEqual(event);
      expect((await stores.expiry.listExpiring({ size: 9, after: undefined }, EVERYTHING)).items).toMatchObject([
        { credential: { expireTime: NOW + 5 * DAY } },
      ]);
    });

    test.each([
      ['said alone', { said: NOW + 1, entra: undefined }, NOW + 1],
      ['of Entra alone', { said: undefined, entra: NOW + 2 }, NOW + 2],
      ['said, which is earlier', { said: NOW + 1, entra: NOW + 2 }, NOW + 1],
      ['that nobody knows any more', { said: undefined, entra: undefined }, undefined],
    ])('an end %s', async (_, { said, entra }, expireTime) => {
      const vault = await startVault(open);
      const due = await looked(vault);
      await record(vault, due, { expiries: [endsOf(due, { said, entra })] });

      expect(await vault.stores.apps.credentials(vault.app.uid)).toMatchObject([
        { expireTime, configuredExpireTime: said, entraExpireTime: entra },
      ]);
    });

    test('a changed expiry time restarts its reminders; an unchanged one does not', async () => {
      const vault = await startVault(open);
      const { stores } = vault;
      const [before] = await stores.expiry.dueReminders(NOW, 9);
      for (const nextTime of [LATER, undefined]) {
        const [reminder] = await stores.expiry.dueReminders(NOW, 9);
        await stores.expiry.remind([
          { due: present(reminder), event: undefined, lastRemindedDays: undefined, nextTime },
        ]);
        const same = await looked(vault);
        await record(vault, same, { expiries: [endsOf(same, { said: NOW + DAY, entra: NOW + DAY })] });
        expect(await stores.expiry.dueReminders(NOW, 9)).toEqual([]);

        const sooner = await looked(vault);
        await record(vault, sooner, { expiries: [endsOf(sooner, { said: NOW + DAY, entra: NOW + 5 })] });
        expect(await stores.expiry.dueReminders(NOW, 9)).toMatchObject([{ credential: { expireTime: NOW + 5 } }]);
        const back = await looked(vault);
        await record(vault, back, { expiries: [endsOf(back, { said: NOW + DAY, entra: undefined })] });
      }

      // Who decided by the end before is refused, also where it was due already.
      await stores.expiry.remind([
        { due: present(before), event: undefined, lastRemindedDays: undefined, nextTime: undefined },
      ]);
      expect(await stores.expiry.dueReminders(NOW, 9)).toHaveLength(1);
    });

    test('an event whose dedupe key is stored already is dropped, and the rest is stored', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      const due = await looked(vault);
      await stores.expiry.publish(unknown(app, 'k1'));
      await stores.expiry.publish(unknown(app, 'k3'));
      const events = ['k1', 'k2', 'k3', 'k4', undefined, undefined].map((keyId) => unknown(app, keyId));

      expect(await record(vault, due, { knownKeyIds: ['k2'], events })).toBe(true);

      const published = (await stores.outbox.read(0, 99)).map(({ event }) => event.uid);
      expect(published.slice(-4)).toEqual([events[1], events[3], events[4], events[5]].map((event) => event?.uid));
      expect(published).toHaveLength(7);
      expect(await stores.inspections.due(LATER, 9)).toMatchObject([{ knownKeyIds: ['k2'] }]);
    });

    test('of simultaneous inspections by replicas, one is stored', async () => {
      const vault = await startVault(open);
      const due = await looked(vault);
      const events = () => [unknown(vault.app, 'k1')];

      const recorded = await Promise.all([1, 2, 3].map(() => record(vault, due, { events: events() })));

      expect(recorded.toSorted()).toEqual([false, false, true]);
      expect(await publishedOf(vault, 'credential.unknown')).toHaveLength(1);
    });

    test('writes nothing for a deleted credential or one of another app', async () => {
      const vault = await startVault(open);
      const { stores, app, register, dump } = vault;
      const other = await register('other');
      const [foreign] = await stores.apps.credentials(other.app.uid);
      const due = await looked(vault);
      const before = await dump();
      for (const credentialUid of ['gone', present(foreign).uid]) {
        const ends = [endsOf(due, { said: NOW, entra: NOW }), { ...endsOf(due, {}), credentialUid }];
        expect(await record(vault, due, { expiries: ends, knownKeyIds: ['k'], events: [unknown(app, 'k')] })).toBe(
          false,
        );
      }
      expect(await dump()).toEqual(before);
    });
  });

  describe('makes an app due again, and rejects an inspection that started before:', () => {
    test.each<[string, (vault: VaultUnderTest) => Promise<unknown>]>([
      ['a new credential', ({ stores, app }) => stores.apps.addCredential(app, sampleCredential(app, 'b'))],
      ['a credential less', ({ stores, app }) => stores.apps.removeCredential(app.uid, 'first')],
      ['another audience', (vault) => update(vault, { signInAudience: 'common' })],
      ['another home directory', (vault) => update(vault, { homeDirectoryId: 'd1' })],
      ['rotation that begins', (vault) => update(vault, { rotation: { leadTime: DAY, secretLife: 9 * DAY } })],
      ['an app that is suspended', (vault) => update(vault, { suspended: true })],
    ])('%s', async (_, change) => {
      for (const looksBefore of [true, false]) {
        const vault = await startVault(open);
        const first = await looked(vault);
        if (looksBefore) await record(vault, first, {});
        const [read] = await vault.stores.inspections.due(LATER, 9);

        await change(vault);

        expect(await record(vault, present(read), { knownKeyIds: ['k'] })).toBe(false);
        expect(await dueNow(vault)).toMatchObject([{ knownKeyIds: [] }]);
        expect(await record(vault, await looked(vault), {})).toBe(true);
      }
    });

    test('another rotation lead time, or no rotation', async () => {
      const vault = await startVault(open);
      const rotation = { leadTime: DAY, secretLife: 9 * DAY };
      for (const next of [
        rotation,
        { ...rotation, leadTime: 2 * DAY },
        { leadTime: 2 * DAY, secretLife: 8 * DAY },
        undefined,
      ]) {
        await record(vault, await looked(vault), {});
        await update(vault, { rotation: next });
        expect(await dueNow(vault)).toHaveLength(1);
      }
    });

    test('resuming the app or its tenant', async () => {
      const vault = await startVault(open);
      const { stores, register, tenant } = vault;
      await update(vault, { suspended: true });
      const other = await register('other');
      const suspended = await stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });
      for (const due of await dueNow(vault)) await record(vault, due, {});
      const uids = async () => (await dueNow(vault)).map(({ app }) => app.uid);

      await update(vault, { suspended: false });
      expect(await uids()).toEqual([vault.app.uid]);
      await record(vault, await looked(vault), {});

      await stores.tenants.update(other.tenant, { ...other.tenant, displayName: 'Other' });
      expect(await uids()).toEqual([]);
      await stores.tenants.update(suspended, { ...suspended, state: 'ACTIVE' });
      expect(await uids()).toEqual([vault.app.uid]);
    });

    test('nothing else: a name, an equal update, a rejected update, a verdict, an unknown credential', async () => {
      const vault = await startVault(open);
      const { stores, app, damage } = vault;
      await update(vault, { rotation: { leadTime: DAY, secretLife: 9 * DAY } });
      await record(vault, await looked(vault), {});

      await update(vault, { displayName: 'New', rotation: { leadTime: DAY, secretLife: 9 * DAY } });
      await stores.apps.update(app, { ...app, signInAudience: 'common' }).catch(() => undefined);
      await stores.apps.recordVerdict(present((await stores.apps.credentials(app.uid))[0]).uid, 'REJECTED', 'x', NOW);
      await stores.apps.removeCredential(app.uid, 'nobody');
      await stores.apps.addCredential(app, sampleCredential(app)).catch(() => undefined);
      expect(await dueNow(vault)).toEqual([]);
      await damage('apps', { inspectTime: 0 });
      expect(await dueNow(vault)).toHaveLength(1);
    });
  });

  describe('a changed Key Vault secret', () => {
    test('makes apps due that refer to it, with or without a version, and no others', async () => {
      const vault = await startVault(open);
      const { stores, register } = vault;
      const hints = [
        `${VAULT}/mail`,
        `${VAULT}/mail/0123456789abcdef`,
        `${VAULT}/mail-2`,
        `${VAULT}/mai`,
        `${VAULT}/mail0`,
        `${VAULT}/Mail`,
        'https://other.vault.azure.net/secrets/mail',
      ];
      for (const [index, hint] of hints.entries()) await refer(vault, (await register(`t-${index}`)).app, hint);
      await stores.apps.addCredential(vault.app, {
        ...sampleCredential(vault.app, 'file'),
        credential: { ...sampleCredential(vault.app, 'file').credential, kind: 'FEDERATED', hint: `${VAULT}/mail` },
      });
      for (const due of await dueNow(vault)) await record(vault, due, {});
      const read = await stores.inspections.due(LATER, 99);

      const uids = await stores.inspections.markDueBySecret(`${VAULT}/mail`);

      const due = await dueNow(vault);
      expect(due.map(({ app }) => app.tenantId).sort()).toEqual(['t-0', 't-1']);
      expect([...uids].sort()).toEqual(due.map(({ app }) => app.uid).sort());
      const stale = present(read.find(({ app }) => app.tenantId === 't-0'));
      expect(await record(vault, stale, {})).toBe(false);
      expect(await stores.inspections.markDueBySecret(`${VAULT}/nobody`)).toEqual([]);
    });

    test('rejects an inspection that started before', async () => {
      const vault = await startVault(open);
      await refer(vault, vault.app, `${VAULT}/mail/1`);
      const due = await looked(vault);

      expect(await vault.stores.inspections.markDueBySecret(`${VAULT}/mail`)).toEqual([vault.app.uid]);

      expect(await record(vault, due, {})).toBe(false);
      expect(await record(vault, await looked(vault), {})).toBe(true);
    });
  });
}

const EVERYTHING = { before: NOW + 999 * DAY, includeUnknown: true };

function dueNow({ stores }: VaultUnderTest): Promise<readonly DueInspection[]> {
  return stores.inspections.due(NOW, 99);
}

/** Of the vault's own app, whether it is due or not. */
async function looked({ stores, app }: VaultUnderTest): Promise<DueInspection> {
  return present((await stores.inspections.due(LATER, 99)).find((due) => due.app.uid === app.uid));
}

function record({ stores }: VaultUnderTest, due: DueInspection, found: Partial<Inspection>): Promise<boolean> {
  return stores.inspections.record({
    due,
    nextTime: LATER,
    knownKeyIds: due.knownKeyIds,
    expiries: [],
    events: [],
    ...found,
  });
}

function endsOf({ credentials }: DueInspection, ends: { said?: number | undefined; entra?: number | undefined }) {
  return {
    credentialUid: present(credentials[0]).uid,
    configuredExpireTime: ends.said,
    entraExpireTime: ends.entra,
    entraKeyId: undefined,
  };
}

async function update({ stores, app }: VaultUnderTest, changes: Partial<App>): Promise<void> {
  const before = present(await stores.apps.findByUid(app.uid));
  await stores.apps.update(before, { ...before, ...changes });
}

async function refer({ stores }: VaultUnderTest, app: App, secretUri: string): Promise<void> {
  const { credential } = sampleCredential(app, 'reference');
  await stores.apps.addCredential(app, {
    credential: { ...credential, kind: 'KEY_VAULT_SECRET', hint: secretUri },
    material: { kind: 'KEY_VAULT_SECRET', secretUri },
  });
}

/** Somebody added a secret at Entra; `keyId` is the dedupe key. */
function unknown(app: App, keyId: string | undefined): VaultEvent {
  return {
    uid: newUid(),
    dedupeKey: keyId && `credential.unknown/${app.uid}/${keyId}`,
    type: 'credential.unknown',
    severity: 'WARNING',
    tenantUid: app.tenantUid,
    tenantId: app.tenantId,
    subject: `tenants/${app.tenantId}/apps/${app.appId}`,
    time: NOW,
    data: {
      clientId: app.clientId,
      kind: 'CLIENT_SECRET',
      keyId: keyId ?? 'k',
      hint: 'abc',
      expireTime: NOW,
      orphan: false,
    },
  };
}

async function publishedOf({ stores }: VaultUnderTest, type: VaultEvent['type']): Promise<VaultEvent[]> {
  const events = await stores.outbox.read(0, 1000);
  return events.map(({ event }) => event).filter((event) => event.type === type);
}
