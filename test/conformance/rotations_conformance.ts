import { describe, expect, test } from 'vitest';
import type { Credential } from '../../src/model/app_credential.ts';
import { DAY } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { Rotation } from '../../src/model/secret_rotation.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import type { RotationAdvance } from '../../src/store/background_store_interfaces.ts';
import { NOW, sampleApp, sampleCredential, sampleRotation } from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function rotationsConformance(open: Open): void {
  describe('rotations', () => {
    test('an app has one rotation at a time', async () => {
      const { stores, app, tenant } = await startVault(open);
      const rotation = sampleRotation(app);
      const other = sampleApp(tenant, 'other');
      await stores.apps.create(other, undefined);

      expect(await stores.rotations.find(app.uid)).toBeUndefined();
      expect(await stores.rotations.begin(rotation)).toBe(true);
      expect(await stores.rotations.begin(sampleRotation(app))).toBe(false);
      expect(await stores.rotations.begin(sampleRotation(other))).toBe(true);

      expect(await stores.rotations.find(app.uid)).toEqual(rotation);
    });

    test('a deleted app cannot have a rotation, and its rotation is deleted', async () => {
      const { stores, app, tenant, connection, register } = await startVault(open);
      await stores.rotations.begin(sampleRotation(app));
      await stores.connections.delete(connection);
      await stores.apps.delete(app);
      const other = await register('other');
      await stores.rotations.begin(sampleRotation(other.app));
      await stores.tenants.delete(other.tenant);

      expect(await stores.rotations.due(NOW + 9 * DAY, 9)).toEqual([]);
      expect(await stores.rotations.begin(sampleRotation(app))).toBe(false);
      expect(await stores.rotations.begin(sampleRotation(sampleApp(tenant, 'never')))).toBe(false);
    });

    test('due rotations come most overdue first, up to the limit', async () => {
      const { stores, app, register } = await startVault(open);
      const apps = [app, ...(await Promise.all(['b', 'c', 'd'].map((id) => register(id)))).map(({ app }) => app)];
      for (const [index, one] of apps.entries()) {
        await stores.rotations.begin(sampleRotation(one, { nextTime: NOW + (3 - index), marker: `m${index}` }));
      }
      const markers = async (now: number, limit: number) =>
        (await stores.rotations.due(now, limit)).map(({ marker }) => marker);

      expect(await markers(NOW + 2, 9)).toEqual(['m3', 'm2', 'm1']);
      expect(await markers(NOW + 9, 2)).toEqual(['m3', 'm2']);
    });

    test('a row is due if its time is impossibly far ahead, because the clock was set back', async () => {
      const { stores, app, register } = await startVault(open);
      const other = await register('other');
      await stores.rotations.begin(sampleRotation(app, { nextTime: NOW + 99 * DAY, marker: 'far' }));
      await stores.rotations.begin(sampleRotation(other.app, { nextTime: NOW + DAY, marker: 'near' }));

      expect(await stores.rotations.due(NOW, 9)).toMatchObject([{ marker: 'far' }]);
      expect(await stores.rotations.due(NOW + DAY, 1)).toMatchObject([{ marker: 'near' }]);
    });

    test('a step seals, stores and publishes a new secret in one commit; it is not preferred yet', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      const before = await start(vault);
      const secret = sampleCredential(app, 'renewed', NOW + 180 * DAY);
      const credential = { ...secret.credential, entraKeyId: 'k1', entraExpireTime: NOW + 180 * DAY };
      const after = { ...before, step: 'PROVE' as const, newCredentialUid: credential.uid, nextTime: NOW + 60_000 };
      const event = rotating(app);

      expect(
        await advance(vault, { before, after, add: { app, credential: { ...secret, credential } }, events: [event] }),
      ).toBe(true);

      expect(await stores.rotations.find(app.uid)).toEqual({ ...after, version: before.version + 1 });
      const usable = await stores.apps.usableCredentials(app);
      expect(usable.map((one) => one.credential.credentialId)).toEqual(['first', 'renewed']);
      const { credential: stored, material } = present(usable[1]);
      expect(stored).toEqual({ ...credential, preferTime: undefined });
      expect(material.kind === 'CLIENT_SECRET' && material.clientSecret.reveal()).toBe('secret of renewed');
      expect(await published(vault)).toEqual([event]);
      expect(await isInspectionDue(vault)).toBe(true);
    });

    test('a step makes the new secret preferred, another deletes the old one', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      const started = await start(vault);
      const renewed = sampleCredential(app, 'renewed');
      await advance(vault, { before: started, after: started, add: { app, credential: renewed } });
      await settleInspection(vault);

      const proving = present(await stores.rotations.find(app.uid));
      const watching = { ...proving, step: 'WATCH' as const, watchTime: NOW + 5 };
      const prefer = { credentialUid: renewed.credential.uid, time: NOW + 5 };
      expect(await advance(vault, { before: proving, after: watching, prefer })).toBe(true);
      expect(await stores.apps.credentials(app.uid)).toMatchObject([{ preferTime: NOW }, { preferTime: NOW + 5 }]);
      expect(await isInspectionDue(vault)).toBe(false);

      const removing = present(await stores.rotations.find(app.uid));
      expect(removing).toEqual({ ...watching, version: proving.version + 1 });
      const over = { before: removing, after: undefined, remove: removing.oldCredentialUid, events: [rotating(app)] };
      expect(await advance(vault, over)).toBe(true);
      expect(await stores.rotations.find(app.uid)).toBeUndefined();
      expect(await stores.apps.credentials(app.uid)).toMatchObject([{ credentialId: 'renewed' }]);
      expect(await published(vault)).toHaveLength(1);
      expect(await isInspectionDue(vault)).toBe(true);
      expect(await stores.rotations.begin(sampleRotation(app))).toBe(true);
    });

    test('a problem is stored and cleared', async () => {
      const vault = await startVault(open);
      const before = await start(vault);
      const problem = {
        kind: 'PERMISSION',
        code: undefined,
        permission: 'Application.X',
        time: NOW,
        reportedTime: undefined,
      } as const;

      await advance(vault, { before, after: { ...before, failures: 3, problem } });
      const stuck = present(await vault.stores.rotations.find(vault.app.uid));
      expect(stuck).toEqual({ ...before, failures: 3, problem, version: before.version + 1 });

      await advance(vault, { before: stuck, after: { ...stuck, failures: 0, problem: undefined } });
      expect(await vault.stores.rotations.find(vault.app.uid)).toEqual({ ...before, version: before.version + 2 });
      expect(await vault.stores.rotations.due(before.nextTime, 9)).toMatchObject([{ version: before.version + 2 }]);
    });

    test('of two writers of the same step, one succeeds and the other writes nothing', async () => {
      const vault = await startVault(open);
      const { app } = vault;
      const before = await start(vault);
      const ids = ['b', 'c'];
      const going = ids.map((id) =>
        advance(vault, {
          before,
          after: before,
          add: { app, credential: sampleCredential(app, id) },
          remove: before.oldCredentialUid,
          events: [rotating(app)],
        }),
      );

      const succeeded = await Promise.all(going);
      expect(succeeded.filter(Boolean)).toEqual([true]);
      expect(await vault.stores.apps.credentials(app.uid)).toMatchObject([
        { credentialId: ids[succeeded.indexOf(true)] },
      ]);
      expect(await published(vault)).toHaveLength(1);
      const after = await vault.dump();
      expect(await advance(vault, { before, after: undefined, remove: 'x' })).toBe(false);
      expect(await vault.dump()).toEqual(after);
    });

    test('writes nothing if the credential to prefer is deleted or the new name exists', async () => {
      const vault = await startVault(open);
      const { app, dump } = vault;
      const before = await start(vault);
      const rows = await dump();
      const after = { ...before, step: 'WATCH' as const };

      const events = [rotating(app)];
      expect(await advance(vault, { before, after, prefer: { credentialUid: 'gone', time: NOW }, events })).toBe(false);
      const add = { app, credential: sampleCredential(app, 'first') };
      expect(await reasonOf(advance(vault, { before, after, add, events }))).toBe('CREDENTIAL_EXISTS');

      expect(await dump()).toEqual(rows);
      expect(await advance(vault, { before, after, remove: 'gone already' })).toBe(true);
    });

    type Other = (app: App, other: App) => readonly [App, Partial<Credential>];

    async function mayServeOther(kind: Credential['kind'], of: Other): Promise<boolean> {
      const { stores, app, tenant } = await startVault(open);
      const [at, changes] = of(app, sampleApp(tenant, 'other'));
      if (at.uid !== app.uid) await stores.apps.create(at, undefined);
      const { credential, material } = sampleCredential(at, 'same');
      await stores.apps.addCredential(at, { credential: { ...credential, ...changes }, material });

      return stores.rotations.isUsedElsewhere(app, { kind, hint: 'abc' }, 'k1');
    }

    test.each<[string, boolean, Other]>([
      ['another app of its client id, by what is known', true, (_, other) => [other, { entraKeyId: 'k1' }]],
      ['another app of its client id, where no id is known', true, (_, other) => [other, {}]],
      ['no other app that has another secret', false, (_, other) => [other, { entraKeyId: 'k2' }]],
      ['no other app whose secret begins otherwise', false, (_, other) => [other, { hint: 'xyz' }]],
      ['no other app with a certificate', false, (_, other) => [other, { kind: 'CERTIFICATE' }]],
      ['no app of another client id', false, (_, other) => [{ ...other, clientId: 'c2' }, { entraKeyId: 'k1' }]],
      ['no twin in the app itself', false, (app) => [app, { entraKeyId: 'k1' }]],
      ['a reference of its own that leads to it', true, (app) => [app, { kind: 'KEY_VAULT_SECRET', entraKeyId: 'k1' }]],
      ['a reference of which nobody knows it', true, (app) => [app, { kind: 'KEY_VAULT_SECRET', hint: 'https://v' }]],
      ['no reference to another', false, (app) => [app, { kind: 'KEY_VAULT_SECRET', entraKeyId: 'k2' }]],
    ])('the old secret may serve %s: %s', async (_, expected, of) => {
      expect(await mayServeOther('CLIENT_SECRET', of)).toBe(expected);
    });

    test.each<[string, boolean, Other]>([
      ['another app of its client id', true, (_, other) => [other, { kind: 'CERTIFICATE' }]],
      ['no other app with a secret', false, (_, other) => [other, {}]],
      ['no reference to a secret', false, (app) => [app, { kind: 'KEY_VAULT_SECRET', entraKeyId: 'k1' }]],
    ])('the old certificate may serve %s: %s', async (_, expected, of) => {
      expect(await mayServeOther('CERTIFICATE', of)).toBe(expected);
    });

    test('cannot advance without its app', async () => {
      const vault = await startVault(open);
      const { stores, app, tenant, register } = vault;
      const other = await register('other');
      const lone = sampleRotation(other.app);
      await stores.rotations.begin(lone);
      await stores.apps.delete(other.app);
      const add = { app: other.app, credential: sampleCredential(other.app, 'b') };
      expect(await advance(vault, { before: lone, after: lone, add })).toBe(false);

      const before = await start(vault);
      await stores.tenants.delete(tenant);
      const added = { app, credential: sampleCredential(app, 'b') };
      expect(await advance(vault, { before, after: before, add: added })).toBe(false);
    });
  });
}

/** Begun for the vault's own app; nobody need look at its credentials. */
async function start(vault: VaultUnderTest): Promise<Rotation> {
  const [old] = await vault.stores.apps.credentials(vault.app.uid);
  const rotation = sampleRotation(vault.app, { oldCredentialUid: present(old).uid });
  await vault.stores.rotations.begin(rotation);
  await settleInspection(vault);
  return rotation;
}

function advance({ stores }: VaultUnderTest, step: RotationAdvance): Promise<boolean> {
  return stores.rotations.advance(step);
}

async function settleInspection({ stores }: VaultUnderTest): Promise<void> {
  for (const due of await stores.inspections.due(NOW, 9)) {
    await stores.inspections.record({ due, nextTime: NOW + DAY, knownKeyIds: [], expiries: [], events: [] });
  }
}

async function isInspectionDue({ stores, app }: VaultUnderTest): Promise<boolean> {
  return (await stores.inspections.due(NOW, 9)).some((due) => due.app.uid === app.uid);
}

function rotating(app: App): VaultEvent {
  return {
    uid: newUid(),
    dedupeKey: undefined,
    type: 'credential.rotating',
    severity: 'INFO',
    tenantUid: app.tenantUid,
    tenantId: app.tenantId,
    subject: `tenants/${app.tenantId}/apps/${app.appId}`,
    time: NOW,
    data: {
      app: `tenants/${app.tenantId}/apps/${app.appId}`,
      clientId: app.clientId,
      step: 'ADDED',
      oldCredential: 'first',
      newCredential: 'renewed',
      expireTime: NOW,
    },
  };
}

async function published({ stores }: VaultUnderTest): Promise<VaultEvent[]> {
  const events = await stores.outbox.read(0, 1000);
  return events.map(({ event }) => event).filter(({ type }) => type === 'credential.rotating');
}
