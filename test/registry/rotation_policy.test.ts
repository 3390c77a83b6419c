import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { ROTATION_DEFAULTS } from '../../src/model/entra_app.ts';
import type { RotationProblem } from '../../src/model/secret_rotation.ts';
import type { AppFields } from '../../src/registry/app_request_types.ts';
import { checkRotation, type RotationRequest } from '../../src/registry/check_rotation_and_home_directory.ts';
import { rotationProblemText } from '../../src/registry/rotation_problem_text.ts';
import type { AppRegistration } from '../../src/registry/tenant_request_types.ts';
import { sampleApp, sampleTenant } from '../conformance/sample_rows.ts';
import {
  appFields,
  CLIENT_ID,
  clientSecret,
  DIRECTORY,
  type OpenRegistry,
  openRegistry,
  refusal,
  registerWithApp,
  registration,
} from './open_registry.ts';

const DEFAULT = { tenantId: 'acme', appId: 'default' };
const OTHER = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const ASKED: RotationRequest = { leadTime: undefined, secretLife: undefined };

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
});

function register(app: Partial<AppRegistration>) {
  return registerWithApp(registry.tenants, registration({}, app));
}

function update(fields: Partial<AppFields>, updateMask?: readonly string[]) {
  return registry.apps.update({ ...DEFAULT, etag: '', fields: appFields(fields), updateMask });
}

describe('where an app is registered', () => {
  test('is stored in lower case, and its credentials are probed there', async () => {
    const { app, probe } = await register({ homeDirectoryId: DIRECTORY.toUpperCase() });
    expect(app.app.homeDirectoryId).toBe(DIRECTORY);
    expect(probe.outcome).toBe('ACCEPTED');
    expect(registry.entra.asked).toEqual([{ appId: 'default', directoryId: DIRECTORY }]);
  });

  test('can be changed, and is cleared if the mask names it and it is empty', async () => {
    await register({});
    expect((await update({ homeDirectoryId: OTHER })).app.homeDirectoryId).toBe(OTHER);
    expect((await update({ displayName: 'New' })).app.homeDirectoryId).toBe(OTHER);
    expect((await update({}, ['home_directory_id'])).app.homeDirectoryId).toBeUndefined();
  });

  test.each([
    ['is no GUID', { homeDirectoryId: 'contoso.com' }, 'Directory (tenant) ID'],
    ['is not the one directory of the audience', { signInAudience: DIRECTORY, homeDirectoryId: OTHER }, DIRECTORY],
    ['is unknown, although rotation is set', { rotation: ASKED }, 'required with rotation'],
  ])('is rejected if it %s', async (_, app, words) => {
    const error = await refusal(register(app));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', 'app.home_directory_id']);
    expect(error.message).toContain(words);
  });

  test('cannot be cleared from an app with rotation, nor contradicted by a new audience', async () => {
    await register({ homeDirectoryId: DIRECTORY, rotation: ASKED });
    for (const work of [update({}, ['home_directory_id']), update({ signInAudience: OTHER })]) {
      expect((await refusal(work)).metadata['field']).toBe('app.home_directory_id');
    }
  });
});

describe('automatic rotation', () => {
  test('is off by default, and has default times', async () => {
    const { app } = await register({ signInAudience: DIRECTORY });
    expect(app.app.rotation).toBeUndefined();
    expect((await update({ rotation: ASKED })).app.rotation).toEqual(ROTATION_DEFAULTS);
  });

  test('can be set when registering and creating', async () => {
    const rotation = { leadTime: 10 * DAY, secretLife: 90 * DAY };
    const { app } = await register({ signInAudience: DIRECTORY, rotation });
    expect(app.app.rotation).toEqual(rotation);
    const second = await registry.apps.create({
      tenantId: 'acme',
      appId: 'second',
      fields: appFields({ clientId: CLIENT_ID, homeDirectoryId: DIRECTORY, rotation }),
      credential: undefined,
      credentialId: '',
      validateOnly: false,
    });
    expect(second.app.app).toMatchObject({ rotation, homeDirectoryId: DIRECTORY });
    expect(second.nextSteps.warnings.join()).toContain('the app has neither of its own');
  });

  test('is kept if other fields change, and cleared by its name in the mask', async () => {
    await register({ signInAudience: DIRECTORY, rotation: ASKED });
    expect((await update({ displayName: 'New' })).app.rotation).toEqual(ROTATION_DEFAULTS);
    expect((await update({}, ['rotation'])).app.rotation).toBeUndefined();
  });

  test.each([
    [{ leadTime: 30.5 * DAY }, 'lead_time'],
    [{ leadTime: DAY }, 'lead_time'],
    [{ leadTime: 366 * DAY, secretLife: 700 * DAY }, 'lead_time'],
    [{ leadTime: -30 * DAY }, 'lead_time'],
    [{ secretLife: 731 * DAY }, 'secret_life'],
    [{ secretLife: 0 }, 'secret_life'],
    [{ secretLife: 30 * DAY }, 'secret_life'],
    [{ leadTime: 200 * DAY }, 'secret_life'],
  ])('is rejected with %o', async (given, field) => {
    const error = await refusal(register({ signInAudience: DIRECTORY, rotation: { ...ASKED, ...given } }));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', `app.rotation.${field}`]);
    expect(error.message).toMatch(/days/);
  });

  test('accepts exactly the times within the limits that leave a secret valid before it is renewed', () => {
    const days = fc.integer({ min: -10, max: 800 });
    fc.assert(
      fc.property(days, days, (lead, life) => {
        const check = () => checkRotation('app.rotation', { leadTime: lead * DAY, secretLife: life * DAY });
        if (lead >= 2 && lead <= 365 && life > lead && life <= 730) {
          expect(check()).toEqual({ leadTime: lead * DAY, secretLife: life * DAY });
        } else expect(check).toThrow();
      }),
    );
  });

  test.each([
    [
      'no client secret or certificate',
      { material: { kind: 'FEDERATED', assertionFile: '/run/tokens/acme/token' }, expireTime: undefined },
      'neither of its own',
    ],
    ['an unknown expiry date', { expireTime: undefined }, 'is unknown'],
    ['a secret that never expires', { expireTime: Date.UTC(2299, 11, 31) }, 'never due'],
  ] as const)('warns of %s', async (_, change, words) => {
    const credential = clientSecret(undefined, change);
    const { nextSteps } = await register({ signInAudience: DIRECTORY, rotation: ASKED, credential });
    expect(nextSteps.warnings.join()).toContain(words);
  });
});

describe('the steps for it in the portal', () => {
  async function steps(app: Partial<AppRegistration>) {
    const { nextSteps } = await register({ homeDirectoryId: DIRECTORY, ...app });
    return nextSteps.steps.join('\n');
  }

  test('are the permission with consent, and a command that adds the owner', async () => {
    const found = await steps({ rotation: ASKED });
    expect(found).toContain('Application permissions: Application.ReadWrite.OwnedBy; then an administrator selects');
    expect(found).toContain(`az login --allow-no-subscriptions --tenant ${DIRECTORY} && az ad app owner add`);
    expect(found).toContain(
      `--id ${CLIENT_ID} --owner-object-id "$(az ad sp show --id ${CLIENT_ID} --query id --output tsv)"`,
    );
  });

  test('are absent without rotation', async () => {
    expect(await steps({})).not.toContain('Application.ReadWrite');
  });

  test('select a national cloud first', async () => {
    expect(await steps({ rotation: ASKED, cloud: 'US_GOV' })).toContain('az cloud set --name AzureUSGovernment && az');
  });
});

test.each<[RotationProblem['kind'], RegExp]>([
  ['NO_DIRECTORY', /home_directory_id with UpdateApp/],
  ['NOT_FOUND', /no app .* in directory aaaaaaaa.*\(Code\.X\).*home_directory_id/],
  ['PERMISSION', /\(Code\.X\).*Application permissions: Application\.Special;.*az ad app owner add/],
  ['POLICY', /\(Code\.X\).*app management policy/],
  ['LIMIT', /\(Code\.X\).*has two: abc, xyz\. Remove.*RotateCredential/],
  ['UNAVAILABLE', /\(Code\.X\).*by itself/],
  ['REFUSED_SECRET', /\(Code\.X\).*old one stays in use/],
  ['NO_KEY_ID', /Remove it in the portal/],
  ['IN_USE', /no longer used, remove it in the portal/],
])('problem %s has a text that says what to do', (kind, words) => {
  const app = sampleApp(sampleTenant('acme'), 'default', { homeDirectoryId: DIRECTORY });
  const problem = {
    kind,
    code: 'Code.X',
    permission: 'Application.Special',
    hints: ['abc', 'xyz'],
    time: 0,
    reportedTime: undefined,
  };
  expect(rotationProblemText(app, problem)).toMatch(words);
  expect(rotationProblemText(app, { ...problem, code: undefined, hints: undefined })).not.toContain('undefined');
});

test('if the directory blocks passwords, the next step is a credential without one', () => {
  const app = sampleApp(sampleTenant('acme'), 'default');
  const code = 'CredentialTypeNotAllowedAsPerAppPolicy';
  const problem = { kind: 'PASSWORDS_BLOCKED', code, permission: undefined, time: 0, reportedTime: undefined } as const;
  expect(rotationProblemText(app, problem)).toMatch(
    /no new client secrets \(CredentialTypeNotAllowedAsPerAppPolicy\).*key_vault_certificate, managed_identity, certificate or fed/,
  );
});

describe('the window for changes', () => {
  const window = { weekdays: ['SUNDAY', 'SATURDAY', 'SUNDAY'] as const, hours: [3, 2, 3], timeZone: 'europe/berlin' };

  test('is stored without repetitions, in order, with the name of the zone', () => {
    expect(checkRotation('app.rotation', { ...ASKED, window })?.window).toEqual({
      weekdays: ['SATURDAY', 'SUNDAY'],
      hours: [2, 3],
      timeZone: 'Europe/Berlin',
    });
  });

  test('is in UTC by default, and absent if nothing is limited', () => {
    const some = checkRotation('app.rotation', { ...ASKED, window: { weekdays: [], hours: [0], timeZone: '' } });
    expect(some?.window).toEqual({ weekdays: [], hours: [0], timeZone: 'UTC' });
    const none = checkRotation('app.rotation', { ...ASKED, window: { weekdays: [], hours: [], timeZone: '' } });
    expect(none).toEqual(ROTATION_DEFAULTS);
  });

  test.each([
    ['weekdays', { weekdays: [undefined] }],
    ['hours', { hours: [24] }],
    ['hours', { hours: [-1] }],
    ['time_zone', { timeZone: 'Mars/Olympus' }],
    ['time_zone', { timeZone: '+02:00' }],
  ])('with a wrong value names app.rotation.%s', (field, wrong) => {
    expect(() => checkRotation('app.rotation', { ...ASKED, window: { ...window, ...wrong } })).toThrow(
      `app.rotation.${field}`,
    );
  });
});
