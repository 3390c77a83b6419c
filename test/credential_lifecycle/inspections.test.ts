import { beforeEach, describe, expect, test } from 'vitest';
import { NEVER } from '../../src/model/app_credential.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import { newMarker } from '../../src/model/secret_rotation.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { sampleRotation } from '../conformance/sample_rows.ts';
import { ORIGIN } from '../keyring/fake_key_vault.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import {
  type InspectionWorld,
  OWNED_BY,
  openInspectionWorld,
  type Registered,
  secretMaterial,
} from './inspection_setup.ts';

const VALUE = 'abc8Q~the-first-secret-of-the-app-00000001';
const OTHER = 'xyz8Q~another-secret-of-the-app-0000000002';

let world: InspectionWorld;
beforeEach(async () => {
  world = await openInspectionWorld();
});

/** An app with one secret that expires in this many days at Entra. */
async function withSecret(
  { said, entra }: { said: number | undefined; entra: number },
  more: Parameters<InspectionWorld['add']>[3] = {},
): Promise<Registered> {
  const endTime = world.now() + entra * DAY;
  const registered = await world.register('acme', { secrets: [{ value: VALUE, endTime }] });
  const configuredExpireTime = said === undefined ? undefined : world.now() + said * DAY;
  await world.add(registered.app, 'first', secretMaterial(VALUE), { configuredExpireTime, ...more });
  return registered;
}

const types = async () => (await world.events()).map(({ type }) => type);

async function passDays(days: number): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    world.sandbox.clock.advance(1.1 * DAY);
    await world.inspect();
  }
}

const isAbout = (period: number) => (duration: number) => duration > 0.89 * period && duration < 1.11 * period;

test.each([
  ['common', 'warn', { rotation: { leadTime: 30 * DAY, secretLife: 180 * DAY } }],
  ['common', 'info', {}],
  ['organizations', undefined, {}],
] as const)('two secrets of a registration of audience %s are logged at level %s', async (audience, level, more) => {
  const secrets = [{ value: VALUE }, { value: OTHER }];
  const { app } = await world.register('acme', {
    secrets,
    app: { signInAudience: audience, homeDirectoryId: CONTOSO, ...more },
  });
  await world.add(app, 'first', secretMaterial(VALUE));

  await world.inspect();

  const full = world.lines.filter(({ name }) => name === 'registration_full');
  expect(full).toEqual(
    level === undefined
      ? []
      : [{ level, name: 'registration_full', fields: { app: 'tenants/acme/apps/default', hints: 'abc, xyz' } }],
  );
});

describe('the expiry date of a credential', () => {
  test('at Entra that is earlier than the configured one applies from then on, and is reported once', async () => {
    const { app } = await withSecret({ said: 300, entra: 100 });
    const entraExpireTime = world.now() + 100 * DAY;
    await world.inspect();
    const credential = await world.credential(app, 'first');
    expect(credential.expireTime).toBe(credential.entraExpireTime);
    expect(Math.abs((credential.entraExpireTime ?? 0) - entraExpireTime)).toBeLessThan(MINUTE);
    await passDays(3);
    expect(await world.events()).toMatchObject([
      {
        type: 'credential.expiry_mismatch',
        severity: 'WARNING',
        subject: 'tenants/acme/apps/default/credentials/first',
        tenantUid: app.tenantUid,
        tenantId: 'acme',
        dedupeKey: `credential.expiry_mismatch/${credential.uid}/${credential.entraExpireTime}`,
        data: {
          app: 'tenants/acme/apps/default',
          clientId: app.clientId,
          kind: 'CLIENT_SECRET',
          hint: 'abc',
          configuredExpireTime: credential.configuredExpireTime,
          entraExpireTime: credential.entraExpireTime,
        },
      },
    ]);
  });

  test('at Entra that is earlier, and within two weeks, is critical', async () => {
    await withSecret({ said: 300, entra: 10 });
    await world.inspect();
    expect(await world.events()).toMatchObject([{ type: 'credential.expiry_mismatch', severity: 'CRITICAL' }]);
  });

  test('at Entra that is later is reported, and the earlier one still applies', async () => {
    const { app } = await withSecret({ said: 10, entra: 300 });
    await world.inspect();
    const { expireTime, configuredExpireTime } = await world.credential(app, 'first');
    expect(expireTime).toBe(configuredExpireTime);
    expect(await world.events()).toMatchObject([{ type: 'credential.expiry_mismatch', severity: 'WARNING' }]);
  });

  test('that was unknown is recorded without an event', async () => {
    const { app } = await withSecret({ said: undefined, entra: 100 });
    await world.inspect();
    const { expireTime, entraExpireTime, entraKeyId } = await world.credential(app, 'first');
    expect(expireTime).toBe(entraExpireTime);
    expect(entraKeyId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await types()).toEqual([]);
    const due = await world.stores.expiry.dueReminders(world.now(), 10);
    expect(due.map(({ credential }) => credential.expireTime)).toEqual([expireTime]);
  });

  test('that was copied without the time of day is not a mismatch', async () => {
    const { app } = await withSecret({ said: 100.9, entra: 100 });
    await world.inspect();
    expect((await world.credential(app, 'first')).entraExpireTime).toBeDefined();
    expect(await types()).toEqual([]);
  });

  test('that changes at Entra is reported again', async () => {
    const { clientId } = await withSecret({ said: 300, entra: 100 });
    await world.inspect();
    world.sandbox.expireSecret(clientId, VALUE, world.now() + 50 * DAY);
    await passDays(2);
    expect(await types()).toEqual(['credential.expiry_mismatch', 'credential.expiry_mismatch']);
  });

  test('that changed clears the caches, and an unchanged one does not', async () => {
    const { app } = await withSecret({ said: 300, entra: 100 });
    await world.inspect();
    expect(world.forgotten).toEqual([app.uid]);
    expect(world.changes).toEqual([{ kind: 'app', uid: app.uid }]);
    await passDays(2);
    expect(world.forgotten).toEqual([app.uid]);
    expect(world.changes).toHaveLength(1);
  });

  test('is read for a certificate too', async () => {
    const pem = makeCertificate(world.now() - DAY, world.now() + 200 * DAY);
    const { app, clientId } = await world.register('acme');
    world.sandbox.addCertificate(clientId, pem.certificate);
    const material = {
      kind: 'CERTIFICATE' as const,
      certificateChain: pem.certificate,
      privateKey: new Secret(pem.privateKey),
    };
    await world.add(app, 'cert', material, { configuredExpireTime: world.now() + 200 * DAY });
    await world.inspect();
    expect((await world.credential(app, 'cert')).entraKeyId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await types()).toEqual([]);
  });
});

describe('a credential unknown to the vault', () => {
  test('is reported once while Entra lists it', async () => {
    const { app, clientId } = await withSecret({ said: 500, entra: 500 });
    await world.inspect();
    expect(world.published).toEqual([]);
    const { keyId } = world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() + 500 * DAY });
    // Longer than the outbox keeps dedupe keys.
    for (let week = 0; week < 6; week += 1) {
      await passDays(7);
      await world.stores.outbox.sweep(world.now() - 30 * DAY, 1_000);
    }
    expect(await types()).toEqual([]);
    expect(world.published).toMatchObject([{ data: { keyId } }]);

    world.sandbox.removeSecret(clientId, keyId);
    await passDays(1);
    const [due] = await world.stores.inspections.due(Number.MAX_SAFE_INTEGER, 1);
    expect(due?.knownKeyIds).toEqual([(await world.credential(app, 'first')).entraKeyId]);
    world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() + 500 * DAY });
    await passDays(1);
    expect(world.published.map(({ type }) => type)).toEqual(['credential.unknown', 'credential.unknown']);
  });

  test('is reported with the facts to find it in the portal', async () => {
    const { app, clientId } = await withSecret({ said: 100, entra: 100 });
    const { keyId } = world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() + 500 * DAY });
    await world.inspect();
    const [event] = await world.events();
    expect(event).toMatchObject({
      type: 'credential.unknown',
      severity: 'WARNING',
      subject: 'tenants/acme/apps/default',
      dedupeKey: `credential.unknown/${app.uid}/${keyId}`,
      data: { clientId, kind: 'CLIENT_SECRET', keyId, hint: 'xyz', orphan: false },
    });
  });

  test('is listed until Entra lists it no more, also while the registration cannot be read', async () => {
    const { app, clientId } = await withSecret({ said: 100, entra: 100 });
    const endTime = world.now() + 500 * DAY;
    const { keyId } = world.sandbox.addSecret(clientId, { value: OTHER, endTime });
    world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() - DAY });
    const reading = async () => (await world.stores.inspections.readings([app.uid])).get(app.uid);
    expect(await reading()).toBeUndefined();
    await world.inspect();
    const first = await reading();
    expect(first).toMatchObject({ unknown: [{ keyId, kind: 'CLIENT_SECRET', hint: 'xyz' }] });
    world.sandbox.injectFault({ kind: 'html', endpoint: 'graph', count: 1 });
    await passDays(1);
    expect(await reading()).toEqual(first);
    world.sandbox.removeSecret(clientId, keyId);
    await passDays(1);
    const last = await reading();
    expect(last?.unknown).toEqual([]);
    expect(last?.readTime).toBeGreaterThan(first?.readTime ?? Infinity);
  });

  test("is not reported if it was the vault's until now", async () => {
    const { app, clientId } = await withSecret({ said: 100, entra: 100 });
    const endTime = world.now() + 100 * DAY;
    world.sandbox.addSecret(clientId, { value: OTHER, endTime });
    await world.add(app, 'second', secretMaterial(OTHER), { configuredExpireTime: endTime });
    await world.inspect();
    await world.stores.apps.removeCredential(app.uid, 'second');
    await passDays(3);
    expect(world.published).toEqual([]);
  });

  test('is not reported once it is expired', async () => {
    const { clientId } = await withSecret({ said: 100, entra: 100 });
    world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() - DAY });
    await world.inspect();
    expect(await types()).toEqual([]);
  });

  test.each([
    ['ADD', ['xyz']],
    // Graph's reads are eventually consistent, so it saw its own secret but not the other.
    ['PROVE', ['xyz', 'def']],
  ] as const)(
    'is an orphan where a rotation made it that does not look for it any more, beside one at %s',
    async (step, hints) => {
      const { app, clientId } = await withSecret({ said: 100, entra: 100 });
      const [left, underWay] = [newMarker(app, 'a1a1a1a1'), newMarker(app, 'a1a1a1a1')];
      world.sandbox.addSecret(clientId, { value: OTHER, displayName: left });
      world.sandbox.addSecret(clientId, { value: `def${OTHER}`, displayName: underWay });
      const { uid } = await world.credential(app, 'first');
      await world.stores.rotations.begin(
        sampleRotation(app, { step, marker: underWay, oldCredentialUid: uid, nextTime: world.now() }),
      );
      await world.inspect();
      expect(await world.events()).toMatchObject(
        hints.map((hint) => ({ type: 'credential.unknown', data: { hint, orphan: true } })),
      );
    },
  );

  test('is not an orphan if another app rotates the secret of the same registration', async () => {
    const { app, clientId } = await withSecret({ said: 100, entra: 100 });
    world.sandbox.addSecret(clientId, { value: OTHER, displayName: newMarker({ ...app, uid: newUid() }, 'a1a1a1a1') });
    await world.inspect();
    expect(await world.events()).toMatchObject([{ type: 'credential.unknown', data: { hint: 'xyz', orphan: false } }]);
  });
});

test('a credential that Entra no longer lists is probed', async () => {
  const { app, clientId } = await withSecret({ said: 100, entra: 100 });
  world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() + 100 * DAY });
  await world.add(app, 'second', secretMaterial(OTHER), { configuredExpireTime: world.now() + 100 * DAY });
  await world.inspect();
  world.sandbox.removeSecret(clientId, OTHER);
  await passDays(1);
  expect(await world.credential(app, 'second')).toMatchObject({ verdict: 'REJECTED' });
  expect(await world.credential(app, 'first')).toMatchObject({ verdict: 'VALID' });
  expect(await types()).toEqual(['credential.rejected']);
});

describe('an app without permission to read its registration', () => {
  async function closed(rotation?: Parameters<InspectionWorld['register']>[1]): Promise<Registered> {
    const registered = await world.register('acme', {
      permissions: [],
      secrets: [{ value: VALUE, endTime: world.now() + 100 * DAY }],
      ...rotation,
    });
    await world.add(registered.app, 'first', secretMaterial(VALUE));
    return registered;
  }

  test('causes no event, and is inspected again in a week', async () => {
    const { app } = await closed();
    await world.inspect();
    expect(await types()).toEqual([]);
    expect(await world.dueIn(app)).toSatisfy(isAbout(7 * DAY));
    expect(world.lines).toMatchObject([
      {
        level: 'debug',
        name: 'app_registration_read_failed',
        fields: { problem: 'forbidden', app: 'tenants/acme/apps/default' },
      },
    ]);
  });

  test('is inspected daily if it has rotation', async () => {
    const { app } = await closed({ app: { rotation: { leadTime: 30 * DAY, secretLife: 180 * DAY } } });
    await world.inspect();
    expect(await world.dueIn(app)).toSatisfy(isAbout(DAY));
    expect(world.lines).toMatchObject([{ level: 'info', name: 'app_registration_read_failed' }]);
  });

  test('keeps what was recorded before', async () => {
    const { app, clientId, registration } = await withSecret({ said: 300, entra: 100 });
    world.sandbox.addSecret(clientId, { value: OTHER });
    await world.inspect();
    const before = await world.credential(app, 'first');
    registration.applicationPermissions = [];
    await passDays(1);
    expect(world.lines).toMatchObject([{ fields: { problem: 'forbidden' } }]);
    expect(await world.credential(app, 'first')).toEqual({ ...before, lastUsedTime: expect.any(Number) });
    registration.applicationPermissions = [OWNED_BY];
    await passDays(8);
    expect(world.published.map(({ type }) => type)).toEqual(['credential.expiry_mismatch', 'credential.unknown']);
  });

  test.each([
    ['nobody knows', undefined],
    ['is never', NEVER],
  ])('has a credential whose end %s presented every week', async (_, configuredExpireTime) => {
    const { app } = await world.register('acme', { permissions: [], secrets: [{ value: VALUE }] });
    await world.add(app, 'endless', secretMaterial(VALUE), { configuredExpireTime });
    const probes: number[] = [];
    for (let week = 0; week < 4; week += 1) {
      world.sandbox.clearRequests();
      await world.inspect({ registrations: { read: async () => ({ kind: 'no_directory' }) } });
      probes.push(world.sandbox.counters().byEndpoint['token'] ?? 0);
      await world.inspect({ registrations: { read: async () => ({ kind: 'no_directory' }) } });
      world.sandbox.clock.advance(7 * DAY * 1.1);
    }
    expect(probes).toEqual([1, 1, 1, 1]);
    expect(await world.credential(app, 'endless')).toMatchObject({ verdict: 'VALID' });
    world.sandbox.removeSecret(app.clientId, VALUE);
    await world.inspect();
    expect(await world.credential(app, 'endless')).toMatchObject({ verdict: 'REJECTED' });
  });
});

test('a credential in use is not probed', async () => {
  const { app } = await world.register('acme', { permissions: [], secrets: [{ value: VALUE }] });
  await world.add(app, 'endless', secretMaterial(VALUE), {
    configuredExpireTime: undefined,
    lastUsedTime: world.now() - DAY,
  });
  await world.inspect({ registrations: { read: async () => ({ kind: 'no_directory' }) } });
  expect(world.sandbox.counters().total).toBe(0);
});

test('the credentials of an app are probed once a directory of it is known', async () => {
  const { app } = await world.register('acme', {
    app: { signInAudience: 'organizations' },
    secrets: [{ value: VALUE }],
  });
  await world.add(app, 'first', secretMaterial(VALUE), { verdict: 'UNPROBED', createTime: world.now() });
  await world.inspect();
  expect(await world.credential(app, 'first')).toMatchObject({ verdict: 'UNPROBED' });
  expect(await world.dueIn(app)).toSatisfy(isAbout(7 * DAY));
  await world.inspect({ knownDirectory: async () => CONTOSO });
  world.sandbox.clock.advance(8 * DAY);
  await world.inspect({ knownDirectory: async () => CONTOSO });
  expect(await world.credential(app, 'first')).toMatchObject({ verdict: 'VALID' });
});

describe('during an outage of Graph', () => {
  test('an app is inspected again in an hour, and keeps its recorded state', async () => {
    const { app } = await withSecret({ said: 300, entra: 100 });
    world.sandbox.injectFault({ kind: 'html', endpoint: 'graph', count: 1 });
    await world.inspect();
    expect(await world.dueIn(app)).toSatisfy(isAbout(HOUR));
    expect(await types()).toEqual([]);
    world.sandbox.clock.advance(HOUR);
    await world.inspect();
    expect(await types()).toEqual(['credential.expiry_mismatch']);
    expect(await world.dueIn(app)).toSatisfy(isAbout(DAY));
  });

  test('Retry-After is respected', async () => {
    const { app } = await withSecret({ said: 100, entra: 100 });
    await world.inspect({
      registrations: { read: async () => ({ kind: 'unavailable', code: undefined, retryAfter: 3 * HOUR }) },
    });
    expect(await world.dueIn(app)).toSatisfy(isAbout(3 * HOUR));
  });

  test('an inspection respects its time limit', async () => {
    const { app } = await withSecret({ said: 300, entra: 100 }, { verdict: 'UNPROBED' });
    const never = new Promise<never>(() => {});
    await world.inspect({ registrations: { read: () => never }, timePerApp: 50 });
    expect(await world.dueIn(app)).toSatisfy(isAbout(HOUR));
    expect(world.sandbox.counters().total).toBe(0);
  });
});

describe('a new secret', () => {
  test('is inspected every five minutes until Entra accepts it everywhere', async () => {
    const { app, clientId } = await withSecret({ said: 100, entra: 100 });
    world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() + 100 * DAY, replicationDelay: 8 * MINUTE });
    const young = {
      verdict: 'UNPROBED',
      createTime: world.now(),
      configuredExpireTime: world.now() + 100 * DAY,
    } as const;
    await world.add(app, 'second', secretMaterial(OTHER), young);
    await world.inspect();
    expect(await world.credential(app, 'second')).toMatchObject({ verdict: 'UNPROBED' });
    expect(await world.dueIn(app)).toSatisfy(isAbout(5 * MINUTE));
    world.sandbox.clock.advance(10 * MINUTE);
    await world.inspect();
    expect(await world.credential(app, 'second')).toMatchObject({ verdict: 'VALID' });
    expect(await world.dueIn(app)).toSatisfy(isAbout(DAY));
  });
});

describe('a secret in a key vault', () => {
  const uri = `${ORIGIN}/secrets/mail-sync`;
  const seconds = (days: number) => Math.round(world.now() / SECOND) + days * 24 * 3600;

  async function referring() {
    world.keyVault.versions.push({ name: 'mail-sync', version: '1', value: VALUE, created: 1, expires: seconds(100) });
    const registered = await world.register('acme', {
      secrets: [{ value: VALUE, endTime: world.now() + 100 * DAY }],
    });
    const reference = { kind: 'KEY_VAULT_SECRET', secretUri: uri } as const;
    await world.add(registered.app, 'ref', reference, { configuredExpireTime: undefined, hint: uri });
    return registered;
  }

  test('has the expiry date of the key vault', async () => {
    const { app } = await referring();
    await world.inspect();
    const credential = await world.credential(app, 'ref');
    expect(credential.configuredExpireTime).toBe((world.keyVault.versions[0]?.expires ?? 0) * SECOND);
    expect(credential.entraKeyId).toBeDefined();
    expect(await types()).toEqual([]);
  });

  test('that is renewed gets the new expiry date, and the old one at Entra is not reported', async () => {
    const { app, clientId } = await referring();
    await world.inspect();
    const before = await world.credential(app, 'ref');
    const { keyId } = world.sandbox.addSecret(clientId, { value: OTHER, endTime: world.now() + 400 * DAY });
    world.keyVault.versions.push({ name: 'mail-sync', version: '2', value: OTHER, created: 2, expires: seconds(400) });
    await passDays(1);
    const after = await world.credential(app, 'ref');
    expect(after.entraKeyId).toBe(keyId);
    expect(after.expireTime).toBeGreaterThan((before.expireTime ?? 0) + 250 * DAY);
    await passDays(2);
    expect(await types()).toEqual([]);
  });

  test('that is renewed gets the new expiry date, also without access to Graph', async () => {
    const { app, registration } = await referring();
    await world.inspect();
    world.keyVault.versions.push({ name: 'mail-sync', version: '2', value: OTHER, created: 2, expires: seconds(400) });
    registration.applicationPermissions = [];
    await passDays(1);
    const { expireTime, configuredExpireTime, entraKeyId } = await world.credential(app, 'ref');
    expect(configuredExpireTime).toBe((world.keyVault.versions[1]?.expires ?? 0) * SECOND);
    expect([expireTime, entraKeyId]).toEqual([configuredExpireTime, undefined]);
  });

  test('that is renewed before Entra lists it gets the new expiry date', async () => {
    const { app } = await referring();
    await world.inspect();
    world.keyVault.versions.push({ ...world.keyVault.versions[0], version: '2', value: OTHER, created: 2 });
    await passDays(1);
    const credential = await world.credential(app, 'ref');
    expect(credential).toMatchObject({ verdict: 'VALID', entraKeyId: undefined, entraExpireTime: undefined });
    expect(world.published).toEqual([]);
  });

  test('that cannot be read is retried in an hour, and keeps its recorded state', async () => {
    const { app } = await referring();
    world.keyVault.fault = { status: 403 };
    const registrations = { read: async () => ({ kind: 'no_directory' }) as const };
    const authorizationServer = { probe: async () => [], forget() {} };
    await world.inspect({ registrations, authorizationServer });
    expect(await world.dueIn(app)).toSatisfy(isAbout(HOUR));
    expect(world.lines).toContainEqual({
      level: 'warn',
      name: 'key_vault_read_failed',
      fields: { app: 'tenants/acme/apps/default', credential: 'ref', reason: 'KEY_SOURCE_UNAVAILABLE' },
    });
    world.keyVault.fault = undefined;
    world.sandbox.clock.advance(HOUR);
    await world.inspect();
    expect((await world.credential(app, 'ref')).configuredExpireTime).toBeDefined();
  });

  test('is read daily, also without access to Graph', async () => {
    const { app, registration } = await referring();
    registration.applicationPermissions = [];
    await world.inspect();
    expect(await world.dueIn(app)).toSatisfy(isAbout(DAY));
  });
});

describe('no request is sent for', () => {
  test('a suspended app', async () => {
    const { app } = await withSecret({ said: 300, entra: 100 });
    await world.stores.apps.update(app, { ...app, suspended: true });
    await world.inspect();
    expect(world.sandbox.counters().total).toBe(0);
    expect(await world.dueIn(app)).toSatisfy(isAbout(7 * DAY));
  });

  test('an app of a suspended tenant', async () => {
    const { app } = await withSecret({ said: 300, entra: 100 });
    const tenant = await world.stores.tenants.find('acme');
    if (tenant === undefined) throw new Error('gone');
    await world.stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });
    await world.inspect();
    expect(world.sandbox.counters().total).toBe(0);
    expect(await world.dueIn(app)).toSatisfy(isAbout(7 * DAY));
  });

  test('an app that is not due', async () => {
    await withSecret({ said: 300, entra: 100 });
    await world.inspect();
    world.sandbox.clearRequests();
    expect(await world.inspect()).toBe(1);
    expect(world.sandbox.counters().total).toBe(0);
  });

  test('an app without a valid credential', async () => {
    const { app } = await withSecret({ said: -1, entra: 100 });
    await world.inspect();
    expect([world.sandbox.counters().total, world.lines]).toEqual([0, []]);
    expect(await world.dueIn(app)).toSatisfy(isAbout(7 * DAY));
  });
});

describe('rotation', () => {
  const rotation = { leadTime: 30 * DAY, secretLife: 180 * DAY };

  test('starts if it is due by the recorded expiry dates', async () => {
    const endTime = world.now() + 20 * DAY;
    const { app } = await world.register('acme', { app: { rotation }, secrets: [{ value: VALUE, endTime }] });
    await world.add(app, 'first', secretMaterial(VALUE), { configuredExpireTime: undefined });
    await world.inspect();
    const stored = await world.stores.apps.credentials(app.uid);
    expect(world.begun).toMatchObject([{ app: { uid: app.uid }, credentials: stored }]);
    expect(stored[0]?.entraExpireTime).toBeDefined();
    expect(await world.dueIn(app)).toSatisfy(isAbout(DAY));
  });

  test('is not missed between two inspections', async () => {
    const endTime = world.now() + 30 * DAY + 6 * HOUR;
    const { app } = await world.register('acme', { app: { rotation }, secrets: [{ value: VALUE, endTime }] });
    await world.add(app, 'first', secretMaterial(VALUE), { configuredExpireTime: undefined });
    await world.inspect();
    expect(await world.dueIn(app)).toSatisfy(isAbout(6 * HOUR));
  });
});

test('an app that becomes due during its inspection is inspected again', async () => {
  const { app } = await withSecret({ said: 300, entra: 100 });
  let looks = 0;
  const published: string[] = [];
  await world.inspect({
    stores: {
      ...world.stores,
      tenants: {
        async find(tenantId) {
          looks += 1;
          if (looks === 1) await world.add(app, 'second', secretMaterial(OTHER));
          return world.stores.tenants.find(tenantId);
        },
      },
    },
    reportPublished: ({ type }) => void published.push(type),
  });
  expect([looks, published]).toEqual([1, []]);
  expect(await world.dueIn(app)).toBeLessThan(0);
  await world.inspect({ reportPublished: ({ type }) => void published.push(type) });
  expect(published).toEqual(['credential.expiry_mismatch']);
});

describe('many that are due at once', () => {
  async function registerMany(count: number): Promise<Registered[]> {
    const all: Registered[] = [];
    for (let index = 0; index < count; index += 1) all.push(await world.register(`tenant-${index}`));
    for (const { app } of all) await world.add(app, 'first', secretMaterial(VALUE));
    return all;
  }

  test('are inspected a few at a time, each once', async () => {
    await registerMany(100);
    const asked: string[] = [];
    let inFlight = 0;
    let most = 0;
    const read = async ({ uid }: { uid: string }) => {
      asked.push(uid);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return { kind: 'no_directory' } as const;
    };
    expect(await world.inspect({ registrations: { read } })).toBe(7);
    expect(new Set(asked).size).toBe(100);
    expect([asked.length, most]).toEqual([100, 8]);
  });

  test('do not wait for one that fails, which is retried after an hour', async () => {
    const all = await registerMany(50);
    const bad = all[7]?.app.uid;
    const asked: string[] = [];
    let broken = true;
    const read = async ({ uid }: { uid: string }) => {
      if (uid === bad && broken) throw new TypeError('of no use');
      asked.push(uid);
      return { kind: 'no_directory' } as const;
    };
    await world.inspect({ registrations: { read } });
    expect(asked).toHaveLength(49);
    expect(world.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { name: 'internal_error', fields: { requestId: `expiry/${bad}`, error: 'TypeError' } },
    ]);
    broken = false;
    await world.inspect({ registrations: { read } });
    expect(asked).toHaveLength(50);
  });

  test('are not quarantined during an outage of the database', async () => {
    await registerMany(20);
    let looks = 0;
    const find = async () => {
      looks += 1;
      throw new VaultError('DATABASE_UNAVAILABLE', 'away');
    };
    await expect(world.inspect({ stores: { ...world.stores, tenants: { find } } })).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
    });
    expect(looks).toBeLessThanOrEqual(8);
    expect(world.lines).toEqual([]);
  });
});
