import { describe, expect, test } from 'vitest';
import type { NewCredential } from '../../src/model/app_credential.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { eventFacts } from '../../src/model/event_data_format.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Rotation } from '../../src/model/secret_rotation.ts';
import { FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import type { RotationCrashPoint } from '../crash_points.ts';
import {
  hasProblem,
  isAt,
  isOver,
  openRotationWorld,
  type Replica,
  type RotationWorld,
  summaries,
} from './rotation_setup.ts';

const RENEWED = ['ADDED', 'PREFERRED', 'REMOVED'];

async function expectRenewed(world: RotationWorld, expected = RENEWED, who: Replica = world): Promise<void> {
  const [secret, ...others] = world.secretsAtEntra();
  expect(others).toEqual([]);
  const credentials = Object.values(await world.credentials());
  expect(credentials.map(({ entraKeyId }) => entraKeyId)).toEqual([secret?.keyId]);
  expect(credentials[0]).toMatchObject({ kind: 'CLIENT_SECRET', verdict: 'VALID', hint: secret?.value.slice(0, 3) });
  expect(credentials[0]?.credentialId).toMatch(/^rotated-\d{4}-\d\d-\d\d$/);
  expect(summaries(await world.published())).toEqual(expected);
  expect(await who.exchange()).toBe('granted');
}

describe('a client secret that is about to expire', () => {
  test('is renewed while the new one propagates, and no exchange fails', async () => {
    const world = await openRotationWorld({ secretReplicationDelay: 10 * MINUTE });
    const [old] = world.secretsAtEntra();
    const begun = await world.begin();
    expect(begun).toMatchObject({ step: 'ADD', marker: expect.stringMatching(/^token-vault [0-9a-f]{20}$/) });
    const outcomes = new Set<string>();
    const steps: string[] = [];
    const start = world.sandbox.clock.now();
    const asked: Replica = {
      ...world,
      sweep: {
        async batch() {
          outcomes.add(await world.exchange());
          return world.sweep.batch();
        },
      },
    };
    const noting = (holds: typeof isOver) => (rotation: Rotation | undefined) => {
      if (steps.at(-1) !== rotation?.step) steps.push(rotation?.step ?? 'over');
      return holds(rotation);
    };
    await world.until(noting(isAt('WATCH')), MINUTE, asked);
    expect(world.sandbox.clock.now() - start).toBeGreaterThanOrEqual(10 * MINUTE);
    expect(Object.keys(await world.credentials())).toHaveLength(2);
    expect(world.secretsAtEntra()[0]).toBe(old);
    await world.until(noting(isOver), HOUR, asked);
    expect(steps).toEqual(['ADD', 'PROVE', 'WATCH', 'REMOVE', 'over']);
    expect(outcomes).toEqual(new Set(['granted']));
    expect(world.secretsAtEntra()[0]?.displayName).toBe(begun.marker);
    expect(world.announced.filter(({ uid }) => uid === world.app.uid).length).toBeGreaterThanOrEqual(3);
    await expectRenewed(world);
    const [secret] = world.secretsAtEntra();
    const life = (secret?.endTime ?? 0) - start;
    expect([Math.floor(life / DAY), Math.ceil(life / DAY)]).toContain(180);
  });

  test('runs a step in each run, although a step takes part of the minute', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('PROVE'));
    for (let round = 0; round < 3; round += 1) {
      const before = await world.find();
      await world.sweep.batch();
      expect((await world.find())?.nextTime).toBeGreaterThan(before?.nextTime ?? 0);
      world.sandbox.clock.advance(MINUTE - 2 * SECOND);
    }
  });

  test('causes an event at each step, with the ids of both', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isOver, HOUR);
    const published = await world.published();
    const newCredential = Object.keys(await world.credentials())[0];
    expect(published).toMatchObject(
      ['ADDED', 'PREFERRED', 'REMOVED'].map((step) => ({
        type: 'credential.rotating',
        severity: 'INFO',
        tenantId: 'acme',
        subject: 'tenants/acme/apps/default',
        data: {
          app: 'tenants/acme/apps/default',
          clientId: world.app.clientId,
          step,
          oldCredential: 'first',
          newCredential,
          expireTime: world.secretsAtEntra()[0]?.endTime,
        },
      })),
    );
  });

  test('is not renewed early, without rotation, in a suspended app, or twice at once', async () => {
    const world = await openRotationWorld();
    const credentials = await world.stores.apps.credentials(world.app.uid);
    await world.rotations.startIfDue(world.app, credentials);
    world.sandbox.clock.advance(11 * DAY);
    await world.rotations.startIfDue({ ...world.app, rotation: undefined }, credentials);
    await world.rotations.startIfDue({ ...world.app, suspended: true }, credentials);
    expect(await world.find()).toBeUndefined();
    await world.rotations.startIfDue(world.app, credentials);
    const begun = await world.find();
    await world.rotations.startIfDue(world.app, credentials);
    expect(await world.find()).toEqual(begun);
    expect(begun?.step).toBe('ADD');
  });

  test('is renewed twice on one day with different ids', async () => {
    const world = await openRotationWorld();
    const { rotations } = world;
    const request = { tenantId: 'acme', appId: 'default', validateOnly: false };
    await rotations.rotate(request);
    await world.until(isAt('PROVE'));
    const [, first = ''] = Object.keys(await world.credentials());
    await world.stores.apps.removeCredential(world.app.uid, 'first');
    const rotation = await world.find();
    if (rotation === undefined) throw new TypeError('over');
    await world.stores.rotations.advance({ before: rotation, after: undefined });
    await rotations.rotate(request);
    await world.until(isAt('PROVE'));
    expect(Object.keys(await world.credentials())).toEqual([first, `${first}-2`]);
  });
});

const CRASH_POINTS = Object.keys({
  rotation_begun: true,
  rotation_orphan_removed: true,
  rotation_added: true,
  rotation_sealed: true,
  rotation_proved: true,
  rotation_preferred: true,
  rotation_watched: true,
  rotation_removed: true,
  rotation_done: true,
} satisfies Record<RotationCrashPoint, true>) as RotationCrashPoint[];

describe('a crash', () => {
  const death = (point: RotationCrashPoint) => {
    let isArmed = true;
    return (reached: RotationCrashPoint) => {
      if (!isArmed || reached !== point) return;
      isArmed = false;
      throw new Error('killed');
    };
  };

  test.each(CRASH_POINTS)('at %s: the next process continues, and leaves no orphan', async (point) => {
    const world = await openRotationWorld();
    const doomed = world.replica({ reach: death(point) });
    world.sandbox.clock.advance(11 * DAY);
    if (point === 'rotation_orphan_removed') {
      await world.rotations.startIfDue(world.app, await world.stores.apps.credentials(world.app.uid));
      await world.replica({ reach: death('rotation_added') }).sweep.batch();
      expect(world.secretsAtEntra()).toHaveLength(2);
      world.sandbox.clock.advance(2 * MINUTE);
    } else {
      const begun = doomed.rotations.startIfDue(world.app, await world.stores.apps.credentials(world.app.uid));
      await begun.catch(() => {});
    }
    // The restarted process skips the quarantined rotation; another process continues it.
    for (let hour = 0; hour < 30; hour += 1) {
      await doomed.sweep.batch();
      if (doomed.errors.length > 0) break;
      world.sandbox.clock.advance(point === 'rotation_proved' || hour < 1 ? 2 * MINUTE : HOUR);
    }
    expect(doomed.errors.length).toBe(point === 'rotation_begun' ? 0 : 1);
    world.sandbox.clock.advance(MINUTE);
    const heir = world.replica();
    expect(await heir.exchange()).toBe('granted');
    await world.until(isOver, 20 * MINUTE, heir);
    await expectRenewed(world, RENEWED, heir);
  });

  test('repeated before the new secret is stored leaves only one at Entra', async () => {
    const world = await openRotationWorld();
    await world.begin();
    for (let tries = 0; tries < 3; tries += 1) {
      await world.replica({ reach: death('rotation_added') }).sweep.batch();
      expect(world.secretsAtEntra()).toHaveLength(2);
      world.sandbox.clock.advance(2 * MINUTE);
    }
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });
});

describe('two concurrent replicas', () => {
  test('that both hold the lease: one sends the request, the other drops its result', async () => {
    const world = await openRotationWorld();
    await world.begin();
    const hold = world.sandbox.holdNextGraph('addPassword', { stage: 'request' });
    const first = world.sweep.batch();
    await hold.arrived;
    await world.replica().sweep.batch();
    hold.release();
    await first;
    expect(world.secretsAtEntra()).toHaveLength(2);
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test('of which one outlives its claim: it removes the secret that it added', async () => {
    const world = await openRotationWorld();
    await world.begin();
    const hold = world.sandbox.holdNextGraph('addPassword', { stage: 'request' });
    const slow = world.sweep.batch();
    await hold.arrived;
    world.sandbox.clock.advance(2 * MINUTE);
    await world.replica().sweep.batch();
    expect((await world.find())?.step).toBe('PROVE');
    hold.release();
    await slow;
    expect(world.secretsAtEntra()).toHaveLength(2);
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test("of which one removes the other's secret as an orphan: another is added", async () => {
    const world = await openRotationWorld();
    await world.begin();
    const hold = world.sandbox.holdNextGraph('addPassword', { stage: 'answer' });
    const slow = world.sweep.batch();
    await hold.arrived;
    // Like a replica from before the claim.
    const added = world.secretsAtEntra()[1];
    world.sandbox.removeSecret(world.registration.clientId, added?.keyId ?? '');
    hold.release();
    await slow;
    expect((await world.find())?.step).toBe('PROVE');
    await world.until(isOver, 10 * MINUTE);
    const published = summaries(await world.published());
    expect(published.filter((one) => one !== 'credential.rejected')).toEqual(
      ['ADDED', 'REFUSED_SECRET', 'ADDED', 'PREFERRED', 'REMOVED'].map((one) =>
        one === 'REFUSED_SECRET' ? expect.stringMatching(/^PROVE REFUSED_SECRET/) : one,
      ),
    );
    expect(world.secretsAtEntra()).toHaveLength(1);
  });
});

test('after a lost response of addPassword, the orphan is removed before the next one is added', async () => {
  const world = await openRotationWorld();
  await world.begin();
  world.sandbox.injectFault({ kind: 'close_after', endpoint: 'graph', operation: 'addPassword' });
  await world.sweep.batch();
  expect(world.secretsAtEntra()).toHaveLength(2);
  expect(await world.find()).toMatchObject({ step: 'ADD', problem: { kind: 'UNAVAILABLE' } });
  await world.until(isOver, HOUR);
  await expectRenewed(world);
});

test('an orphan that cannot be removed is reported once, and blocks a new secret', async () => {
  const world = await openRotationWorld();
  await world.begin();
  world.sandbox.injectFault({ kind: 'close_after', endpoint: 'graph', operation: 'addPassword' });
  await world.sweep.batch();
  const error = { kind: 'error', endpoint: 'graph', status: 403, error: 'Authorization_RequestDenied' } as const;
  world.sandbox.injectFault({ ...error, operation: 'removePassword', count: 3 });
  for (let day = 0; day < 3; day += 1) {
    world.sandbox.clock.advance(DAY);
    await world.sweep.batch();
  }
  const [, orphan] = world.secretsAtEntra();
  expect(world.secretsAtEntra()).toHaveLength(2);
  const published = await world.published();
  expect(summaries(published)).toEqual(['credential.unknown', 'ADD PERMISSION Authorization_RequestDenied WARNING']);
  expect(published[0]).toMatchObject({ data: { keyId: orphan?.keyId, orphan: true, expireTime: orphan?.endTime } });
  await world.until(isOver, HOUR);
  await expectRenewed(world, [...summaries(published), 'ADDED', 'PREFERRED', 'REMOVED']);
});

describe('blockers', () => {
  test('a missing permission is reported by name, retried daily, and the rotation continues once granted', async () => {
    const world = await openRotationWorld({ applicationPermissions: [] });
    await world.begin();
    await world.until(hasProblem);
    expect(await world.published()).toMatchObject([
      {
        type: 'credential.rotation_failed',
        severity: 'WARNING',
        subject: 'tenants/acme/apps/default',
        data: {
          step: 'ADD',
          problem: 'PERMISSION',
          permission: 'Application.ReadWrite.OwnedBy',
          oldCredential: 'first',
          expireTime: world.secretsAtEntra()[0]?.endTime,
        },
      },
    ]);
    world.sandbox.clock.advance(DAY);
    await world.sweep.batch();
    expect(await world.published()).toHaveLength(1);
    world.sandbox.grantApplicationPermission(world.registration.clientId, 'Application.ReadWrite.OwnedBy');
    await world.until(isAt('PROVE'), HOUR);
    expect((await world.find())?.problem).toBeUndefined();
    expect(world.secretsAtEntra()).toHaveLength(2);
  });

  test('a policy of the directory is reported with its code', async () => {
    const world = await openRotationWorld();
    world.sandbox.setAppPolicy(world.registration.clientId, { longestSecretLife: 90 * DAY });
    await world.begin();
    await world.until(hasProblem);
    expect(summaries(await world.published())).toEqual([
      'ADD LIFETIME CredentialInvalidLifetimeAsPerAppPolicy WARNING',
    ]);
    expect(world.secretsAtEntra()).toHaveLength(1);
  });

  test('a registration with two secrets is reported as LIMIT, with the hints of both', async () => {
    const world = await openRotationWorld({ audience: 'common', app: { signInAudience: 'common' } });
    world.sandbox.addSecret(world.registration.clientId, { value: 'xyz8Q~of-another-system' });
    const hints = world
      .secretsAtEntra()
      .map(({ hint }) => hint)
      .join(', ');
    await world.begin();

    await world.until(hasProblem);

    const [event] = await world.published();
    expect(summaries([event].flatMap((one) => one ?? []))).toEqual(['ADD LIMIT TooManyAppPasswords WARNING']);
    expect(event && eventFacts(event)).toMatchObject({ problem: 'LIMIT', hints });
    const dryRun = await world.rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: true });
    expect(dryRun.blockers.join()).toContain(`it has two: ${hints}. Remove`);
    expect(world.secretsAtEntra()).toHaveLength(2);
  });

  test('a dry run reports a registration with two secrets', async () => {
    const secrets = [{ value: 'abc8Q~first' }, { value: 'xyz8Q~second' }];
    for (const [audience, blockers] of [
      ['common', 1],
      ['organizations', 0],
    ] as const) {
      const world = await openRotationWorld({ audience, secrets, app: { signInAudience: audience } });
      const dryRun = await world.rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: true });
      expect(dryRun.blockers).toHaveLength(blockers);
    }
  });

  test.each([
    ['that is nowhere to be found', FABRIKAM, /^ADD NOT_FOUND AADSTS|^ADD NOT_FOUND \S+ WARNING$/],
    ['of which nobody said where it is', undefined, /^ADD NO_DIRECTORY WARNING$/],
  ])('a registration %s', async (_, homeDirectoryId, expected) => {
    const world = await openRotationWorld({ app: { homeDirectoryId } });
    await world.begin();
    await world.until(hasProblem);
    expect(summaries(await world.published())).toEqual([expect.stringMatching(expected)]);
  });

  test('an outage of Graph is retried, and reported after hours', async () => {
    const world = await openRotationWorld();
    await world.begin();
    world.sandbox.injectFault({ kind: 'html', endpoint: 'graph', count: 10_000 });
    for (let hour = 0; hour < 6; hour += 1) {
      await world.sweep.batch();
      world.sandbox.clock.advance(HOUR);
    }
    expect(await world.published()).toEqual([]);
    for (let hour = 0; hour < 6; hour += 1) {
      await world.sweep.batch();
      world.sandbox.clock.advance(HOUR);
    }
    expect(summaries(await world.published())).toEqual(['ADD UNAVAILABLE http/503 WARNING']);
    world.sandbox.clearFaults();
    await world.until(isOver, HOUR);
    await expectRenewed(world, ['ADD UNAVAILABLE http/503 WARNING', 'ADDED', 'PREFERRED', 'REMOVED']);
  });

  test('an outage of the database fails only the run', async () => {
    const world = await openRotationWorld();
    await world.begin();
    const { rotations } = world.stores;
    let count = 0;
    const advance: typeof rotations.advance = async (advance) => {
      count += 1;
      if (count === 2) throw new Error('away');
      return rotations.advance(advance);
    };
    const failing = world.replica({ stores: { ...world.stores, rotations: { ...rotations, advance } } });
    await failing.sweep.batch();
    expect(failing.errors).toHaveLength(1);
    // The added secret could not be stored, and was removed.
    expect(world.secretsAtEntra()).toHaveLength(1);
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test('a commit with a lost response keeps the stored secret', async () => {
    const world = await openRotationWorld();
    await world.begin();
    const { rotations } = world.stores;
    let count = 0;
    const advance: typeof rotations.advance = async (advance) => {
      count += 1;
      const isWritten = await rotations.advance(advance);
      if (count === 2) throw new Error('lost');
      return isWritten;
    };
    await world.replica({ stores: { ...world.stores, rotations: { ...rotations, advance } } }).sweep.batch();
    expect(world.secretsAtEntra()).toHaveLength(2);
    await world.until(isOver, HOUR, world.replica());
    await expectRenewed(world);
  });

  test('an old secret with an unknown key id is found by its first characters', async () => {
    const world = await openRotationWorld({ credential: { entraKeyId: undefined } });
    await world.begin();
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test('an ambiguous old secret stays as a fallback, and the rotation completes', async () => {
    const world = await openRotationWorld({ credential: { entraKeyId: undefined } });
    const [old] = world.secretsAtEntra();
    if (old === undefined) throw new TypeError('none');
    const twin = world.sandbox.addSecret(world.registration.clientId, {
      value: `${old.value.slice(0, 3)}8Q~another-one-that-begins-alike`,
      endTime: old.endTime,
    });
    await world.begin();
    await world.until(isOver, HOUR);
    expect(summaries(await world.published())).toEqual(['ADDED', 'PREFERRED', 'REMOVE NO_KEY_ID WARNING']);
    expect(world.secretsAtEntra().map(({ keyId }) => keyId)).toEqual([old.keyId, twin.keyId, expect.any(String)]);
    expect(Object.keys(await world.credentials())).toContain('first');
    // The next rotation renews the new one.
    await world.rotations.startIfDue(world.app, await world.stores.apps.credentials(world.app.uid));
    expect(await world.find()).toBeUndefined();
  });
});

describe('an operator who', () => {
  test('removes the old secret during the rotation completes it', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('WATCH'));
    await world.stores.apps.removeCredential(world.app.uid, 'first');
    await world.until(isOver, HOUR);
    expect(summaries(await world.published())).toEqual(['ADDED', 'PREFERRED']);
    expect(Object.keys(await world.credentials())).toHaveLength(1);
  });

  test('removes the old secret before the new one is added ends the rotation', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.stores.apps.removeCredential(world.app.uid, 'first');
    await world.sweep.batch();
    expect(await world.find()).toBeUndefined();
    expect(world.secretsAtEntra()).toHaveLength(1);
  });

  test('removes the new secret gets another, and its remainder at Entra is removed', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('WATCH'));
    const [, fresh = ''] = Object.keys(await world.credentials());
    const [, lost] = world.secretsAtEntra();
    await world.stores.apps.removeCredential(world.app.uid, fresh);
    await world.until(isAt('ADD'), HOUR);
    await world.until(isOver, HOUR);
    await expectRenewed(world, ['ADDED', 'PREFERRED', 'ADDED', 'PREFERRED', 'REMOVED']);
    expect(world.secretsAtEntra()[0]?.keyId).not.toBe(lost?.keyId);
  });

  test('removes the new secret and clears rotation gets no other', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('WATCH'));
    const [, fresh = ''] = Object.keys(await world.credentials());
    const app = await world.stores.apps.findByUid(world.app.uid);
    if (app === undefined) throw new TypeError('gone');
    await world.stores.apps.update(app, { ...app, rotation: undefined });
    await world.stores.apps.removeCredential(world.app.uid, fresh);
    await world.until(isOver, HOUR);
    expect(Object.keys(await world.credentials())).toEqual(['first']);
  });

  test('clears rotation lets the one in progress complete', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('PROVE'));
    const app = await world.stores.apps.findByUid(world.app.uid);
    if (app === undefined) throw new TypeError('gone');
    await world.stores.apps.update(app, { ...app, rotation: undefined });
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test('suspends the app pauses the rotation, and deletes it with the app', async () => {
    const world = await openRotationWorld();
    const begun = await world.begin();
    const app = await world.stores.apps.findByUid(world.app.uid);
    if (app === undefined) throw new TypeError('gone');
    const suspended = await world.stores.apps.update(app, { ...app, suspended: true });
    await world.sweep.batch();
    expect((await world.find())?.nextTime).toBeGreaterThanOrEqual(begun.nextTime + DAY);
    expect(world.sandbox.requests().filter(({ endpoint }) => endpoint === 'graph')).toEqual([]);
    await world.stores.apps.delete(suspended);
    expect(await world.find()).toBeUndefined();
    world.sandbox.clock.advance(2 * DAY);
    await world.sweep.batch();
    expect(world.errors).toEqual([]);
  });

  test('deletes the app while the secret is added gets an event about a secret that stays', async () => {
    const world = await openRotationWorld();
    await world.begin();
    const hold = world.sandbox.holdNextGraph('addPassword', { stage: 'answer' });
    const adding = world.sweep.batch();
    await hold.arrived;
    const app = await world.stores.apps.findByUid(world.app.uid);
    if (app === undefined) throw new TypeError('gone');
    await world.stores.apps.delete(app);
    world.sandbox.injectFault({ kind: 'html', endpoint: 'graph', operation: 'removePassword' });
    hold.release();
    await adding;
    const [, orphan] = world.secretsAtEntra();
    expect(await world.published()).toMatchObject([
      { type: 'credential.unknown', data: { keyId: orphan?.keyId, hint: orphan?.hint, orphan: true } },
    ]);
  });

  test('deletes the new secret at Entra during WATCH keeps the old one and gets another', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('WATCH'));
    const [, lost] = world.secretsAtEntra();
    world.sandbox.removeSecret(world.registration.clientId, lost?.keyId ?? '');
    await world.until(isAt('ADD'), HOUR);
    expect(await world.exchange()).toBe('granted');
    expect(Object.keys(await world.credentials())).toEqual(['first']);
    await world.until(isOver, HOUR);
    expect(world.secretsAtEntra()).toHaveLength(1);
    expect(summaries(await world.published()).filter((one) => !/REFUSED_SECRET|rejected/.test(one))).toEqual([
      'ADDED',
      'PREFERRED',
      'ADDED',
      'PREFERRED',
      'REMOVED',
    ]);
  });

  test('deletes the new secret at Entra before REMOVE keeps the old one', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('REMOVE'), 10 * MINUTE);
    const [old, lost] = world.secretsAtEntra();
    world.sandbox.removeSecret(world.registration.clientId, lost?.keyId ?? '');
    await world.sweep.batch();
    expect((await world.find())?.step).toBe('ADD');
    expect(world.secretsAtEntra()).toEqual([old]);
    expect(await world.exchange()).toBe('granted');
  });
});

describe('the old secret is removed only', () => {
  test('if Entra accepts the new one at that moment, however late that is', async () => {
    const endTime = Date.now() + 900 * DAY;
    const world = await openRotationWorld({ secrets: [{ endTime }] });
    await world.rotations.rotate({ tenantId: 'acme', appId: 'default', validateOnly: false });
    await world.until(isAt('REMOVE'), 10 * MINUTE);
    const [old] = world.secretsAtEntra();
    // Longer than the validity of the new one: the vault was down.
    world.sandbox.clock.advance(200 * DAY);
    await world.sweep.batch();
    expect(world.secretsAtEntra()).toContain(old);
    expect(await world.exchange()).toBe('granted');
    await world.until(isOver, HOUR);
    expect(world.secretsAtEntra()).toHaveLength(1);
    expect(world.secretsAtEntra()).not.toContain(old);
    expect(await world.exchange()).toBe('granted');
  });

  test("later, if Graph's list does not contain the accepted new one yet", async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('REMOVE'), 10 * MINUTE);
    const [old] = world.secretsAtEntra();
    const registrations: typeof world.registrations = {
      ...world.registrations,
      async read(app) {
        const read = await world.registrations.read(app);
        if (read.kind !== 'registered') return read;
        const passwords = read.registration.passwords.filter(({ keyId }) => keyId === old?.keyId);
        return { ...read, registration: { ...read.registration, passwords } };
      },
    };
    await world.replica({ registrations }).sweep.batch();
    expect(await world.find()).toMatchObject({ step: 'REMOVE', problem: { kind: 'UNAVAILABLE' } });
    expect(Object.keys(await world.credentials())).toHaveLength(2);
    await world.until(isOver, HOUR);
    await expectRenewed(world);
  });

  test('while the new one exists here, because the old one would be the last', async () => {
    const world = await openRotationWorld();
    await world.begin();
    await world.until(isAt('REMOVE'), 10 * MINUTE);
    const [old] = world.secretsAtEntra();
    const registrations: typeof world.registrations = {
      ...world.registrations,
      async read(app) {
        const read = await world.registrations.read(app);
        const [, fresh = ''] = Object.keys(await world.credentials());
        await world.stores.apps.removeCredential(app.uid, fresh);
        return read;
      },
    };
    await world.replica({ registrations, authorizationServer: world.authorizationServer }).sweep.batch();
    expect(world.secretsAtEntra()).toContain(old);
    expect(Object.keys(await world.credentials())).toEqual(['first']);
    await world.until(isOver, HOUR);
    expect(world.secretsAtEntra()).toHaveLength(1);
    expect(await world.exchange()).toBe('granted');
  });

  test('if the entry with its key id has the same first characters', async () => {
    const world = await openRotationWorld();
    const [old] = world.secretsAtEntra();
    if (old === undefined) throw new TypeError('none');
    // Graph shows no hint for old secrets.
    old.hint = '';
    await world.begin();
    await world.until(isOver, HOUR);
    expect(summaries(await world.published())).toEqual(['ADDED', 'PREFERRED', 'REMOVE NO_KEY_ID WARNING']);
    expect(world.secretsAtEntra()).toContain(old);
  });
});

describe('an old secret that is used elsewhere stays at Entra, with an event:', () => {
  const expectKept = async (world: RotationWorld) => {
    const [old] = world.secretsAtEntra();
    await world.begin();
    await world.until(isOver, HOUR);
    expect(summaries(await world.published())).toEqual(['ADDED', 'PREFERRED', 'REMOVE IN_USE WARNING']);
    expect(world.secretsAtEntra()).toHaveLength(2);
    expect(world.secretsAtEntra()).toContain(old);
    expect(Object.keys(await world.credentials())).toContain('first');
    expect(await world.exchange()).toBe('granted');
  };
  const secretOf = (world: RotationWorld, app: App, id: string): NewCredential => {
    const [secret] = world.secretsAtEntra();
    const { credential } = sampleCredential(app, id, secret?.endTime);
    const clientSecret = new Secret(secret?.value ?? '');
    return {
      credential: { ...credential, hint: clientSecret.hint() },
      material: { kind: 'CLIENT_SECRET', clientSecret },
    };
  };

  test('for the same registration in another tenant', async () => {
    const world = await openRotationWorld();
    const tenant = sampleTenant('other');
    const { clientId } = world.registration;
    const app = sampleApp(tenant, 'default', { clientId, cloud: 'CUSTOM' });
    await world.stores.tenants.register({ tenant, app, credential: secretOf(world, app, 'same') });
    await expectKept(world);
  });

  test('for a reference to a key vault that has it, or that cannot be read', async () => {
    const world = await openRotationWorld();
    const { credential } = sampleCredential(world.app, 'reference', undefined);
    const secretUri = 'https://acme.vault.azure.net/secrets/mail';
    await world.stores.apps.addCredential(world.app, {
      credential: { ...credential, kind: 'KEY_VAULT_SECRET', hint: secretUri },
      material: { kind: 'KEY_VAULT_SECRET', secretUri },
    });
    await expectKept(world);
  });

  test('but not for another secret of that registration, nor for a copy in the same app', async () => {
    const world = await openRotationWorld();
    const tenant = sampleTenant('other');
    const { clientId } = world.registration;
    const app = sampleApp(tenant, 'default', { clientId, cloud: 'CUSTOM' });
    const same = secretOf(world, app, 'own');
    await world.stores.tenants.register({
      tenant,
      app,
      credential: { ...same, credential: { ...same.credential, entraKeyId: 'another' } },
    });
    const twin = secretOf(world, world.app, 'twin');
    const expireTime = (twin.credential.expireTime ?? 0) - 1;
    await world.stores.apps.addCredential(world.app, { ...twin, credential: { ...twin.credential, expireTime } });
    await world.begin();
    await world.until(isOver, HOUR);
    expect(world.secretsAtEntra()).toHaveLength(1);
    expect(summaries(await world.published()).slice(0, 2)).toEqual(['ADDED', 'PREFERRED']);
    expect(Object.keys(await world.credentials())).not.toContain('first');
  });
});

test.each(['WATCH', 'REMOVE'] as const)('%s waits while the tenant is suspended', async (step) => {
  const world = await openRotationWorld();
  await world.begin();
  await world.until(isAt(step), 10 * MINUTE);
  const tenant = await world.stores.tenants.find('acme');
  if (tenant === undefined) throw new TypeError('gone');
  const suspended = await world.stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });
  world.sandbox.clearRequests();
  for (let hour = 0; hour < 48; hour += 1) {
    await world.sweep.batch();
    world.sandbox.clock.advance(HOUR);
  }
  expect(world.sandbox.counters().total).toBe(0);
  expect((await world.find())?.step).toBe(step);
  await world.stores.tenants.update(suspended, tenant);
  const resumeTime = world.sandbox.clock.now();
  await world.until(isOver, HOUR);
  // Time without checks does not count towards the day of success.
  if (step === 'WATCH') expect(world.sandbox.clock.now() - resumeTime).toBeGreaterThanOrEqual(DAY);
  await expectRenewed(world);
});

test('many due rotations run in batches, and one that fails does not block the others', async () => {
  const world = await openRotationWorld();
  await world.begin();
  const { apps } = world.stores;
  const broken = { ...apps, credentials: async () => Promise.reject(new TypeError('damaged')) };
  const other = world.replica({ stores: { ...world.stores, apps: broken } });
  expect(await other.sweep.batch()).toBe(false);
  expect(other.errors).toEqual(['TypeError']);
  await other.sweep.batch();
  expect(other.errors).toHaveLength(1);
});
