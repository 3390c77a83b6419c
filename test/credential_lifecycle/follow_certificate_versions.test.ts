import { beforeEach, describe, expect, test } from 'vitest';
import {
  createFollowVersions,
  type FollowedVersions,
} from '../../src/credential_lifecycle/inspection/follow_certificate_versions.ts';
import { createTimeLimit } from '../../src/credential_lifecycle/inspection/time_limit.ts';
import { thumbprintOf } from '../../src/credential_lifecycle/matching/credentials_to_match.ts';
import type { AppRegistrations, Registered } from '../../src/entra/app_registrations_interface.ts';
import { type Credential, type UsableCredential, unprobedCredential } from '../../src/model/app_credential.ts';
import { WEEKDAYS } from '../../src/model/change_window.ts';
import { DAY, HOUR } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { type KeyVaultCertificate, pinKeyVaultCertificate } from '../../src/model/key_vault_certificates.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { openTestStores } from '../store/open_test_stores.ts';

const NOW = Date.UTC(2031, 0, 1, 12);
const URI = 'https://v.example/certificates/mail';
const OTHER_URI = 'https://v.example/certificates/other';
const [OLD_PEM, YOUNG_PEM] = [0, 1].map(() => makeCertificate(NOW - DAY, NOW + DAY).certificate) as [string, string];

/** One database, because its migrations take longer than a test. Each test has its own tenant. */
const database = await openTestStores({ clock: { now: () => NOW } });
let tenants = 0;
let app: App;
beforeEach(async () => {
  const tenant = sampleTenant(`acme-${tenants++}`);
  app = sampleApp(tenant);
  await database.tenants.register({ tenant, app, credential: undefined });
});

function version(name: string, certificate: string, expireTime = NOW + 90 * DAY): KeyVaultCertificate {
  const keyUri = `https://v.example/keys/mail/${name}`;
  return { version: name, keyUri, certificate, notBefore: NOW - DAY, expireTime };
}

const OLD = version('v1', OLD_PEM, NOW + 20 * DAY);
const YOUNG = version('v2', YOUNG_PEM);

/** Stored: a credential that presents this version. */
async function pin(
  found: KeyVaultCertificate,
  changes: Partial<Credential> = {},
  uri = URI,
): Promise<UsableCredential> {
  const { material, hint, notBefore, expireTime } = pinKeyVaultCertificate(uri, found);
  const known = { uid: newUid(), appUid: app.uid, credentialId: `${found.version}-of-${uri.split('/')[4]}` };
  const dated = { kind: material.kind, hint, notBefore, expireTime, createTime: NOW - DAY };
  const credential = { ...unprobedCredential({ ...known, ...dated }), ...changes };
  await database.apps.addCredential(app, { credential, material });
  return { credential, material };
}

interface Given {
  readonly newest?: KeyVaultCertificate | Error | 'late';
  readonly listed?: readonly string[] | undefined;
  readonly graph?: 'REGISTERED' | 'CLOSED' | 'OUTAGE';
  readonly app?: App;
  /** Graph's answer to `addKey`. */
  readonly added?: Awaited<ReturnType<AppRegistrations['addCertificate']>>;
}

const lines: [string, string, object][] = [];
const reads: string[] = [];
const problems: unknown[] = [];

/** Entra lists the young certificate, which the key vault has, unless the test says otherwise. */
async function follow(usable: readonly UsableCredential[], given: Given = {}): Promise<FollowedVersions> {
  const { newest = YOUNG, graph = 'REGISTERED' } = given;
  lines.length = 0;
  reads.length = 0;
  problems.length = 0;
  const followVersions = createFollowVersions({
    stores: database as never,
    // Of an app that the vault does not rotate, no registration is changed.
    registrations: { addCertificate: async () => given.added } as never,
    reportPublished: ({ data }) => void problems.push('problem' in data && data.problem),
    clock: { now: () => NOW },
    log: { event: (...line) => void lines.push(line) },
    certificates: {
      async read(uri) {
        reads.push(uri);
        if (newest instanceof Error) throw newest;
        return newest as KeyVaultCertificate;
      },
    },
  });
  const listed = 'listed' in given ? given.listed : [YOUNG_PEM];
  const certificates = listed?.map((pem) => ({
    keyId: newUid(),
    displayName: '',
    thumbprint: thumbprintOf(pem),
    endTime: undefined,
  }));
  const registration = certificates && ({ objectId: 'object', passwords: [], certificates } satisfies Registered);
  const limit = createTimeLimit(newest === 'late' ? 0 : HOUR);
  return followVersions(given.app ?? app, usable, { graph, registration }, limit);
}

async function stored() {
  const credentials = await database.apps.credentials(app.uid);
  return credentials.map(({ credentialId }) => credentialId).sort();
}

const UNCHANGED = { haveChanged: false, unread: 0, openTime: undefined };

test('a new version that Entra lists is added, with the parts of its certificate', async () => {
  const first = await pin(OLD);

  expect(await follow([first], { listed: [OLD_PEM, YOUNG_PEM] })).toEqual({ haveChanged: true, unread: 0 });

  expect(reads).toEqual([URI]);
  const added = (await database.apps.usableCredentials(app)).find(
    ({ credential }) => credential.credentialId === 'renewed-2031-01-01',
  );
  const { version: name, keyUri, certificate, notBefore, expireTime } = YOUNG;
  expect(added?.material).toEqual({
    kind: 'KEY_VAULT_CERTIFICATE',
    certificateUri: URI,
    version: name,
    keyUri,
    certificate,
  });
  const dates = { notBefore, expireTime, createTime: NOW, configuredExpireTime: expireTime };
  expect(added?.credential).toMatchObject({ verdict: 'UNPROBED', hint: `${URI}/v2`, appUid: app.uid, ...dates });
  const facts = { app: `tenants/${app.tenantId}/apps/default`, credential: 'renewed-2031-01-01', uri: `${URI}/v2` };
  expect(lines).toEqual([['info', 'key_vault_certificate_renewed', facts]]);
});

test('a new version that the vault may add to the registration is added there first', async () => {
  const first = await pin(OLD, { verdict: 'VALID' });
  const rotated = { ...app, rotation: { leadTime: 30 * DAY, secretLife: 180 * DAY } };
  const added = { kind: 'added', certificate: { keyId: newUid(), endTime: undefined } } as never;

  expect(await follow([first], { listed: [OLD_PEM], app: rotated, added })).toEqual({ haveChanged: true, unread: 0 });
  const facts = { app: `tenants/${app.tenantId}/apps/default`, uri: URI, version: 'v2' };
  expect(lines[0]).toEqual(['info', 'key_vault_certificate_registered', facts]);
  expect(lines.map(([, name]) => name)).toEqual(['key_vault_certificate_registered', 'key_vault_certificate_renewed']);
});

test('an id of the same day is not used twice', async () => {
  const first = await pin(OLD);
  const taken = await pin(OLD, { credentialId: 'renewed-2031-01-01' }, OTHER_URI);

  await follow([first, taken]);

  expect(await stored()).toContain('renewed-2031-01-01-2');
});

describe('nothing is added', () => {
  test.each<[string, Given]>([
    ['if the newest version is known', { newest: OLD }],
    ['if the newest version has expired', { newest: version('v2', YOUNG_PEM, NOW) }],
    ['while Graph does not answer', { graph: 'OUTAGE' }],
  ])('%s', async (_, given) => {
    const first = await pin(OLD);
    expect(await follow([first], given)).toEqual(UNCHANGED);
    expect([await stored(), lines]).toEqual([['v1-of-mail'], []]);
  });

  test('if Entra does not list the new version, which is logged', async () => {
    const first = await pin(OLD);

    expect(await follow([first], { listed: [OLD_PEM] })).toEqual(UNCHANGED);

    const facts = {
      app: `tenants/${app.tenantId}/apps/default`,
      uri: URI,
      version: 'v2',
      problem: 'ROTATION_OFF',
      code: '',
    };
    expect(lines).toEqual([['warn', 'key_vault_certificate_unlisted', facts]]);
    expect([problems, await stored()]).toEqual([[], ['v1-of-mail']]);
  });

  test.each([
    ['that refuses it', { kind: 'refused', code: 'KeyCredentialsInvalidEndDate' }, 0, ['LIFETIME']],
    ['that does not answer', { kind: 'unavailable', code: undefined, retryAfter: undefined }, 1, []],
  ] as const)('if the vault may add it to the registration, but Graph %s', async (_, added, unread, published) => {
    const first = await pin(OLD, { verdict: 'VALID' });
    const rotated = { ...app, rotation: { leadTime: 30 * DAY, secretLife: 180 * DAY } };

    const found = await follow([first], { listed: [OLD_PEM], app: rotated, added });

    expect([found, problems]).toEqual([{ ...UNCHANGED, unread }, published]);
    expect(lines).toMatchObject([
      ['warn', 'key_vault_certificate_unlisted', { code: ('code' in added && added.code) || '' }],
    ]);
    expect(await stored()).toEqual(['v1-of-mail']);
    // Once for each version and cause.
    await follow([first], { listed: [OLD_PEM], app: rotated, added });
    expect(problems).toEqual([]);
  });

  test('for a credential that names its version, or is of another kind', async () => {
    const named = await pin(OLD, {}, `${URI}/v1`);
    expect(await follow([named, sampleCredential(app)])).toEqual(UNCHANGED);
    expect(reads).toEqual([]);
  });

  test('if the key vault refuses to say, which is logged, or does not answer in time', async () => {
    const first = await pin(OLD);
    const refused = new VaultError('KEY_SOURCE_UNAVAILABLE', 'queued by the test');
    expect(await follow([first], { newest: refused })).toEqual({ ...UNCHANGED, unread: 1 });
    const facts = { credential: 'v1-of-mail', reason: 'KEY_SOURCE_UNAVAILABLE' };
    expect(lines).toMatchObject([['warn', 'key_vault_read_failed', facts]]);

    expect(await follow([first], { newest: 'late' })).toEqual({ ...UNCHANGED, unread: 1 });
    expect(lines).toEqual([]);
    await expect(follow([first], { newest: new Error('a bug') })).rejects.toThrow('a bug');
  });
});

test('if the app cannot read its registration, the probe decides', async () => {
  const first = await pin(OLD);
  expect(await follow([first], { listed: undefined, graph: 'CLOSED' })).toMatchObject({ haveChanged: true });
});

test('versions of one certificate are compared, also those that name their version', async () => {
  const first = await pin(OLD, {}, `${URI}/v1`);
  const followed = await pin(YOUNG, { verdict: 'VALID' });

  expect(await follow([first, followed])).toEqual(UNCHANGED);
  expect(reads).toEqual([URI]);
  expect(await stored()).toHaveLength(2);
});

test('an unread certificate does not prevent that another one is followed', async () => {
  const usable = [await pin(OLD, {}, OTHER_URI), await pin(OLD)];
  expect(await follow(usable, { listed: [OLD_PEM] })).toEqual(UNCHANGED);
  expect(reads).toEqual([OTHER_URI, URI]);

  const named = await pin(version('v0', OLD_PEM), {}, 'https://v.example/certificates/third/v0');
  expect(await follow([named, ...usable])).toMatchObject({ haveChanged: true });
});

describe('an expired version', () => {
  const expired = version('v0', OLD_PEM, NOW);

  test('is removed once Entra accepted a later one', async () => {
    const past = await pin(expired);
    const followed = await pin(OLD, { verdict: 'VALID' });

    expect(await follow([past, followed])).toEqual({ haveChanged: true, unread: 0 });

    expect(await stored()).toEqual(['v1-of-mail']);
    expect(reads).toEqual([]);
  });

  test('that another replica removed already is no change', async () => {
    const past = await pin(expired);
    const followed = await pin(OLD, { verdict: 'VALID' });
    await database.apps.removeCredential(app.uid, past.credential.credentialId);

    expect(await follow([past, followed])).toEqual({ haveChanged: false, unread: 0 });
  });

  test.each(['UNPROBED', 'REJECTED'] as const)('stays while the later one is %s', async (verdict) => {
    const past = await pin(expired, { verdict: 'VALID' });
    const followed = await pin(YOUNG, { verdict });

    expect(await follow([past, followed])).toEqual(UNCHANGED);
    expect(await stored()).toHaveLength(2);
  });
});

test('a version that another replica added at the same time is no error', async () => {
  const first = await pin(OLD);
  const sampled = sampleCredential(app, 'renewed-2031-01-01');
  await database.apps.addCredential(app, sampled);

  expect(await follow([first])).toMatchObject({ haveChanged: true });
  expect(await stored()).toEqual(['renewed-2031-01-01', 'v1-of-mail']);
});

test('another failure of the database is an error', async () => {
  const first = await pin(OLD);
  await expect(follow([first], { app: { ...app, uid: 'unknown' } })).rejects.toThrow();
});

describe('a new version waits for the window of the app', () => {
  /** Opens in two days. */
  const weekday = WEEKDAYS[(new Date(NOW).getUTCDay() + 6 + 2) % 7] ?? 'MONDAY';
  const window = { weekdays: [weekday], hours: [12], timeZone: 'UTC' };
  const windowed = () => ({ ...app, rotation: { leadTime: DAY, secretLife: 100 * DAY, window } });
  const opening = NOW + 2 * DAY;

  test('which is when to look again', async () => {
    const first = await pin(OLD);

    expect(await follow([first], { app: windowed() })).toEqual({ haveChanged: false, unread: 0, openTime: opening });
    expect(await stored()).toEqual(['v1-of-mail']);
  });

  test('unless the last version expires before it opens', async () => {
    const first = await pin(OLD, { expireTime: opening });
    expect(await follow([first], { app: windowed() })).toMatchObject({ haveChanged: true });
  });

  test('even if an earlier version expires before it opens', async () => {
    const usable = [await pin(version('v0', OLD_PEM), { expireTime: NOW + DAY }), await pin(OLD)];
    expect(await follow(usable, { app: windowed() })).toMatchObject({ haveChanged: false, openTime: opening });
  });

  test('if the end of a version is not known', async () => {
    const first = await pin(OLD, { expireTime: undefined });
    expect(await follow([first], { app: windowed() })).toMatchObject({ haveChanged: false, openTime: opening });
  });
});
