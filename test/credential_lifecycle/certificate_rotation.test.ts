import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CredentialVerdict } from '../../src/model/app_credential.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import type { RotationCrashPoint } from '../crash_points.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import {
  hasProblem,
  isAt,
  isOver,
  LIFE,
  openRotationWorld,
  type Replica,
  type RotationWorld,
  summaries,
} from './rotation_setup.ts';

const dryRunOf = ({ rotations }: RotationWorld) =>
  rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: true });

/** One that expires later than the first credential of the app, and that Entra does not list. */
function certificateOf({ sandbox }: RotationWorld, app: App, verdict: CredentialVerdict) {
  const now = sandbox.clock.now();
  const { certificate, privateKey, thumbprintSha256 } = makeCertificate(now - DAY, now + 300 * DAY);
  const { credential } = sampleCredential(app, 'other', now + 300 * DAY);
  const hint = thumbprintSha256.toUpperCase();
  return {
    credential: { ...credential, kind: 'CERTIFICATE', hint, verdict },
    material: { kind: 'CERTIFICATE', certificateChain: certificate, privateKey: new Secret(privateKey) },
  } as const;
}

const RENEWED = ['ADDED', 'PREFERRED', 'REMOVED'];

async function expectRenewed(world: RotationWorld, expected = RENEWED, who: Replica = world): Promise<void> {
  const [certificate, ...others] = world.certificatesAtEntra();
  expect(others).toEqual([]);
  const credentials = Object.values(await world.credentials());
  expect(credentials.map(({ entraKeyId }) => entraKeyId)).toEqual([certificate?.keyId]);
  expect(credentials[0]).toMatchObject({ kind: 'CERTIFICATE', verdict: 'VALID' });
  expect(summaries(await world.published())).toEqual(expected);
  expect(world.secretsAtEntra()).toEqual([]);
  expect(await who.exchange()).toBe('granted');
}

describe('a certificate that is about to expire', () => {
  test('is replaced while the new one propagates, and no exchange fails', async () => {
    const world = await openRotationWorld({ withCertificate: true, secretReplicationDelay: 10 * MINUTE });
    const [old] = world.certificatesAtEntra();
    const begun = await world.begin();
    const start = world.sandbox.clock.now();
    const outcomes = new Set<string>();
    const asked: Replica = {
      ...world,
      sweep: {
        async batch() {
          outcomes.add(await world.exchange());
          return world.sweep.batch();
        },
      },
    };
    await world.until(isAt('WATCH'), MINUTE, asked);
    expect(world.sandbox.clock.now() - start).toBeGreaterThanOrEqual(10 * MINUTE);
    expect(world.certificatesAtEntra()[0]).toBe(old);
    await world.until(isOver, HOUR, asked);
    expect(outcomes).toEqual(new Set(['granted']));
    await expectRenewed(world);

    const [made] = world.certificatesAtEntra();
    const { subject, publicKey } = new X509Certificate(made?.raw ?? '');
    expect(subject).toBe(`CN=${begun.marker}`);
    expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(3_072);
    // Not longer than the policy allows, which a directory may limit to the same number of days.
    expect((made?.endTime ?? 0) - (made?.startTime ?? 0)).toBe(180 * DAY);
    const [credential] = Object.values(await world.credentials());
    expect(credential).toMatchObject({ expireTime: made?.endTime, notBefore: made?.startTime });
  });

  test('is described by a dry run, which changes nothing', async () => {
    const world = await openRotationWorld({ withCertificate: true });
    const { plan, blockers } = await dryRunOf(world);
    expect(blockers).toEqual([]);
    expect(plan[0]).toContain('add a certificate of tenants/acme/apps/default');
    expect(world.sandbox.counters().byOperation).toEqual({ getApplication: 1 });
  });

  test('is kept at Entra if another tenant uses it with the same registration', async () => {
    const world = await openRotationWorld({ withCertificate: true });
    const [first] = Object.values(await world.credentials());
    const tenant = sampleTenant('globex');
    const app = sampleApp(tenant, 'default', { clientId: world.registration.clientId, cloud: 'CUSTOM' });
    const { credential, material } = certificateOf(world, app, 'VALID');
    const copy = { ...credential, hint: first?.hint ?? '' };
    await world.stores.tenants.register({ tenant, app, credential: { credential: copy, material } });
    await world.begin();
    await world.until(isOver, HOUR);
    expect(summaries(await world.published())).toEqual(['ADDED', 'PREFERRED', 'REMOVE IN_USE WARNING']);
    expect(world.certificatesAtEntra()).toHaveLength(2);
  });
});

const CRASH_POINTS: readonly RotationCrashPoint[] = ['rotation_added', 'rotation_sealed', 'rotation_removed'];
test.each(CRASH_POINTS)('a crash at %s leaves no certificate whose key is lost', async (point) => {
  const world = await openRotationWorld({ withCertificate: true });
  await world.begin();
  let isDead = false;
  const doomed = world.replica({
    reach(reached) {
      isDead ||= reached === point;
      if (isDead) throw new Error('killed');
    },
  });
  for (let hour = 0; hour < 40 && !isDead; hour += 1) {
    await doomed.sweep.batch();
    world.sandbox.clock.advance(HOUR);
  }
  expect(isDead).toBe(true);
  await world.until(isOver, HOUR);
  await expectRenewed(world);
});

test('after a lost response of addKey, the orphan is removed before the next certificate is added', async () => {
  const world = await openRotationWorld({ withCertificate: true });
  await world.begin();
  world.sandbox.injectFault({ kind: 'close_after', endpoint: 'graph', operation: 'addKey' });
  await world.sweep.batch();
  expect(world.certificatesAtEntra()).toHaveLength(2);
  await world.until(isOver, HOUR);
  await expectRenewed(world);
});

test('after a response of addKey without a key id, the certificate is known by its thumbprint', async () => {
  const world = await openRotationWorld({ withCertificate: true });
  const { registrations } = world;
  const addCertificate: typeof registrations.addCertificate = async (...request) => {
    const response = await registrations.addCertificate(...request);
    return response.kind === 'added' ? { ...response, keyId: undefined } : response;
  };
  await world.begin();
  await world.until(isOver, HOUR, world.replica({ registrations: { ...registrations, addCertificate } }));
  expect(world.certificatesAtEntra()).toHaveLength(1);
  expect(summaries(await world.published())).toEqual(RENEWED);
});

describe('blockers', () => {
  test('a limit of the lifetime is a problem of its own, and a shorter one passes', async () => {
    const world = await openRotationWorld({ withCertificate: true });
    world.sandbox.setAppPolicy(world.registration.clientId, { longestCertificateLife: 90 * DAY });
    await world.begin();
    await world.until(hasProblem);
    const { blockers } = await dryRunOf(world);
    expect(blockers.join()).toContain('Shorten rotation.secret_life with UpdateApp');
    world.sandbox.setAppPolicy(world.registration.clientId, { longestCertificateLife: 180 * DAY });
    await world.until(isOver, HOUR);
    await expectRenewed(world, ['ADD LIFETIME CredentialInvalidLifetimeAsPerAppPolicy WARNING', ...RENEWED]);
  });

  test('an expired last certificate is a problem of its own that needs an administrator', async () => {
    const world = await openRotationWorld({ withCertificate: true });
    world.sandbox.clock.advance(LIFE + DAY);
    const { app } = world;
    await world.rotations.startIfDue(app, await world.stores.apps.credentials(app.uid));
    await world.until(hasProblem);
    expect(summaries(await world.published())).toEqual(['ADD NO_VALID_CERTIFICATE CRITICAL']);
    expect((await dryRunOf(world)).blockers.join()).toContain('An administrator must upload a certificate');
    // It asks neither Entra nor Graph for what cannot succeed.
    expect(world.sandbox.counters().byOperation).toEqual({});

    const next = certificateOf(world, app, 'VALID');
    world.sandbox.addCertificate(app.clientId, next.material.certificateChain);
    await world.stores.apps.addCredential(app, next);
    await world.until(isOver, HOUR);
    expect(world.certificatesAtEntra()).toHaveLength(2);
    expect(await world.exchange()).toBe('granted');
  });

  test('a proof that Graph refuses is tried again, and adds nothing', async () => {
    const world = await openRotationWorld({ withCertificate: true });
    const status = { status: 401, error: 'Authentication_MissingOrMalformed', count: 2 } as const;
    world.sandbox.injectFault({ kind: 'error', endpoint: 'graph', operation: 'addKey', ...status });
    await world.begin();
    await world.until(hasProblem);
    expect(await world.find()).toMatchObject({
      problem: { kind: 'UNAVAILABLE', code: 'Authentication_MissingOrMalformed' },
    });
    expect(world.certificatesAtEntra()).toHaveLength(1);
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test('a rotation of a secret that a policy blocks ends when a certificate serves longer', async () => {
    const world = await openRotationWorld();
    const { registration, app, sandbox } = world;
    sandbox.setAppPolicy(registration.clientId, { noNewSecrets: true });
    await world.begin();
    await world.until(hasProblem);
    expect(summaries(await world.published())).toEqual([
      'ADD PASSWORDS_BLOCKED CredentialTypeNotAllowedAsPerAppPolicy WARNING',
    ]);
    expect((await dryRunOf(world)).blockers.join()).toContain('generated_certificate, key_vault_certificate');
    const later = certificateOf(world, app, 'VALID');
    sandbox.addCertificate(registration.clientId, later.material.certificateChain);
    await world.stores.apps.addCredential(app, later);
    await world.until(isOver, HOUR);
    // At the next daily attempt, long before the end of the secret.
    const [secret] = world.secretsAtEntra();
    expect(secret?.endTime).toBeGreaterThan(sandbox.clock.now() + 5 * DAY);
    expect(world.secretsAtEntra()).toHaveLength(1);
  });
});

test('a certificate that Entra has not accepted yet does not end the rotation of the secret that serves', async () => {
  const world = await openRotationWorld();
  await world.stores.apps.addCredential(world.app, certificateOf(world, world.app, 'UNPROBED'));
  await world.begin();
  await world.until(isOver, HOUR);
  // Its own rejection is an event too.
  expect(summaries(await world.published()).filter((one) => one !== 'credential.rejected')).toEqual(RENEWED);
});
