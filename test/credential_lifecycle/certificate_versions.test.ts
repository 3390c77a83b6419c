import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { nextOpening, WEEKDAYS } from '../../src/model/change_window.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { rolesOf } from '../../src/model/credential_presentation_order.ts';
import type { App } from '../../src/model/entra_app.ts';
import { pinKeyVaultCertificate } from '../../src/model/key_vault_certificates.ts';
import { withoutVersion } from '../../src/model/key_vault_secret_reader_interface.ts';
import { ORIGIN } from '../keyring/fake_key_vault.ts';
import { type FakeCertificate, fakeCertificate } from '../keyring/fake_key_vault_certificates.ts';
import { type InspectionWorld, openInspectionWorld, type Registered, type Setup } from './inspection_setup.ts';

const URI = `${ORIGIN}/certificates/mail`;

let world: InspectionWorld;
let old: FakeCertificate;
let young: FakeCertificate;
beforeEach(async () => {
  world = await openInspectionWorld();
  const now = world.now();
  old = fakeCertificate('mail', 'v1', now - 70 * DAY, now + 20 * DAY);
  young = fakeCertificate('mail', 'v2', now - DAY, now + 90 * DAY);
  world.keyVault.certificates = [old];
});

/** An app that uses the first version of the certificate, which is preferred. */
async function register(uri = URI, setup: Setup = {}, rest = 20 * DAY): Promise<Registered> {
  const registered = await world.register('acme', setup);
  world.sandbox.addCertificate(registered.clientId, old.certificate);
  const found = {
    version: 'v1',
    keyUri: `${ORIGIN}/keys/mail/v1`,
    certificate: old.certificate,
    notBefore: 0,
    expireTime: 0,
  };
  const { material, hint } = pinKeyVaultCertificate(uri, found);
  const ends = { configuredExpireTime: world.now() + rest };
  await world.add(registered.app, 'first', material, { hint, preferTime: world.now(), ...ends });
  return registered;
}

/** A new version in the key vault, as its own renewal creates one. */
const renew = () => void world.keyVault.certificates.push(young);

/** Until no change of the credentials makes the app due again. */
async function inspectAfter(time: number): Promise<void> {
  world.sandbox.clock.advance(time);
  for (let round = 0; round < 3; round += 1) await world.inspect();
}

const inspectOnTheNextDay = () => inspectAfter(1.2 * DAY);

async function credentialsOf(app: App) {
  const credentials = await world.stores.apps.credentials(app.uid);
  const roles = rolesOf(credentials, world.now());
  return credentials.map(({ uid, credentialId, hint, verdict }) => [
    credentialId.replace(/-\d{4}.*/, ''),
    hint.slice(withoutVersion(hint).length + 1),
    verdict,
    roles.get(uid),
  ]);
}

describe('a new version in the key vault', () => {
  test('is used once Entra lists it and accepts it, and the earlier one stays as a fallback', async () => {
    const { app, clientId } = await register();
    await world.inspect();
    renew();
    await inspectOnTheNextDay();
    expect(await credentialsOf(app)).toEqual([['first', 'v1', 'VALID', 'PREFERRED']]);
    expect(world.lines).toContainEqual({
      level: 'warn',
      name: 'key_vault_certificate_unlisted',
      fields: { app: 'tenants/acme/apps/default', uri: URI, version: 'v2', problem: 'ROTATION_OFF', code: '' },
    });

    world.sandbox.addCertificate(clientId, young.certificate);
    await inspectOnTheNextDay();
    expect(await credentialsOf(app)).toEqual([
      ['first', 'v1', 'VALID', 'PREFERRED'],
      ['renewed', 'v2', 'VALID', 'TRIAL'],
    ]);
    expect(world.published.filter(({ type }) => type === 'credential.unknown')).toEqual([]);
  });

  test('is added once, however often the app is inspected', async () => {
    const { app, clientId } = await register();
    world.sandbox.addCertificate(clientId, young.certificate);
    renew();
    for (let day = 0; day < 3; day += 1) await inspectOnTheNextDay();
    expect((await credentialsOf(app)).length).toBe(2);
  });

  test('is of no interest to a credential that names its version', async () => {
    const { app, clientId } = await register(`${URI}/v1`);
    world.sandbox.addCertificate(clientId, young.certificate);
    renew();
    await inspectOnTheNextDay();
    expect((await credentialsOf(app)).length).toBe(1);
  });

  test('that has expired already is not added', async () => {
    const { app, clientId } = await register();
    young = fakeCertificate('mail', 'v2', world.now() - 3 * DAY, world.now() + HOUR);
    world.sandbox.addCertificate(clientId, young.certificate);
    renew();
    await inspectOnTheNextDay();
    expect((await credentialsOf(app)).length).toBe(1);
  });

  test('is left to the probe if the app cannot read its registration', async () => {
    const { app, clientId } = await register(URI, { permissions: [] });
    renew();
    await inspectOnTheNextDay();
    const [first, second] = await credentialsOf(app);
    expect([first?.[3], second?.[3]]).toEqual(['PREFERRED', 'PROBING']);

    world.sandbox.addCertificate(clientId, young.certificate);
    await inspectOnTheNextDay();
    expect((await credentialsOf(app))[1]).toEqual(['renewed', 'v2', 'VALID', 'TRIAL']);
  });

  test('replaces the earlier one, which is removed here after its end', async () => {
    const { app, clientId } = await register();
    world.sandbox.addCertificate(clientId, young.certificate);
    renew();
    await inspectOnTheNextDay();
    await inspectAfter(21 * DAY);
    expect((await credentialsOf(app)).map(([id]) => id)).toEqual(['renewed']);
  });

  test('that Entra rejects never removes the earlier one, although that has expired', async () => {
    const { app } = await register(URI, { permissions: [] });
    renew();
    await inspectOnTheNextDay();
    await inspectAfter(21 * DAY);
    expect((await credentialsOf(app)).map(([id]) => id)).toEqual(['first', 'renewed']);
  });
});

describe('with a rotation policy, a new version', () => {
  const ROTATION = { leadTime: 30 * DAY, secretLife: 180 * DAY };
  const lines = (name: string) => world.lines.filter((line) => line.name === name);

  test('is added to the registration, with a proof that the key vault signs with the version in use', async () => {
    const { app, registration } = await register(URI, { app: { rotation: ROTATION } });
    await world.inspect();
    renew();
    await inspectOnTheNextDay();
    expect(registration.certificates.map(({ raw }) => new X509Certificate(raw).toString())).toEqual([
      old.certificate,
      young.certificate,
    ]);
    expect(world.keyVault.requests.filter((line) => line.includes('/sign '))).toContain(
      'POST /keys/mail/v1/sign with token',
    );
    expect((await credentialsOf(app))[1]).toEqual(['renewed', 'v2', 'VALID', 'TRIAL']);
    expect(lines('key_vault_certificate_registered')).toHaveLength(1);
    for (let day = 0; day < 2; day += 1) await inspectOnTheNextDay();
    expect(registration.certificates).toHaveLength(2);
    expect(world.published.filter(({ type }) => type === 'credential.unknown')).toEqual([]);
  });

  test('that a policy refuses is reported once for each severity, and the earlier one serves', async () => {
    const { app, clientId, registration } = await register(URI, { app: { rotation: ROTATION } });
    world.sandbox.setAppPolicy(clientId, { longestCertificateLife: 30 * DAY });
    await world.inspect();
    renew();
    await inspectOnTheNextDay();
    expect(lines('key_vault_certificate_unlisted')).toMatchObject([
      { fields: { problem: 'LIFETIME', code: 'CredentialInvalidLifetimeAsPerAppPolicy' } },
    ]);
    expect(registration.certificates).toHaveLength(1);
    expect(await credentialsOf(app)).toEqual([['first', 'v1', 'VALID', 'PREFERRED']]);
    const failures = () => world.published.filter(({ type }) => type === 'credential.rotation_failed');
    const data = { step: 'ADD', problem: 'LIFETIME', oldCredential: 'first' };
    expect(failures()).toMatchObject([{ severity: 'WARNING', subject: 'tenants/acme/apps/default', data }]);
    await inspectOnTheNextDay();
    expect(failures()).toHaveLength(1);
    await inspectAfter(8 * DAY);
    expect(failures().map(({ severity }) => severity)).toEqual(['WARNING', 'CRITICAL']);
  });

  test('whose response is lost is not added twice', async () => {
    const { app, registration } = await register(URI, { app: { rotation: ROTATION } });
    await world.inspect();
    renew();
    world.sandbox.injectFault({ kind: 'close_after', endpoint: 'graph', operation: 'addKey' });
    await inspectOnTheNextDay();
    expect(await world.dueIn(app)).toBeLessThanOrEqual(HOUR);
    await inspectAfter(HOUR);
    expect(registration.certificates).toHaveLength(2);
    expect((await credentialsOf(app)).length).toBe(2);
  });
});

test('a new version waits for the window of the app, unless the last one expires before it', async () => {
  const hours = [(new Date(world.now() + 1.2 * DAY).getUTCHours() + 5) % 24];
  const window = { weekdays: [], hours, timeZone: 'UTC' };
  const rotation = { leadTime: 30 * DAY, secretLife: 180 * DAY, window };
  const { app, clientId } = await register(URI, { app: { rotation } });
  world.sandbox.addCertificate(clientId, young.certificate);
  renew();
  await inspectOnTheNextDay();
  expect((await credentialsOf(app)).length).toBe(1);
  const wait = nextOpening(window, world.now()) - world.now();
  expect(Math.abs((await world.dueIn(app)) - wait)).toBeLessThan(MINUTE);

  await inspectAfter(wait);
  expect((await credentialsOf(app)).length).toBe(2);
});

test('a new version does not wait for a window that opens after the last one has expired', async () => {
  const today = new Date(world.now() + 1.2 * DAY).getUTCDay();
  const window = { weekdays: [WEEKDAYS[(today + 5) % 7] ?? 'SUNDAY'], hours: [], timeZone: 'UTC' };
  const rotation = { leadTime: 30 * DAY, secretLife: 180 * DAY, window };
  const { app, clientId } = await register(URI, { app: { rotation } }, 2 * DAY);
  world.sandbox.addCertificate(clientId, young.certificate);
  renew();
  await inspectOnTheNextDay();
  expect((await credentialsOf(app)).length).toBe(2);
});

test('a key vault that does not answer changes nothing, and is read again within the hour', async () => {
  const { app } = await register();
  renew();
  world.keyVault.fault = { status: 403 };
  await inspectOnTheNextDay();
  expect((await credentialsOf(app)).map(([id]) => id)).toEqual(['first']);
  expect(await world.dueIn(app)).toBeLessThanOrEqual(HOUR);
  expect(world.lines).toContainEqual(
    expect.objectContaining({
      name: 'key_vault_read_failed',
      fields: expect.objectContaining({ credential: 'first' }),
    }),
  );
});
