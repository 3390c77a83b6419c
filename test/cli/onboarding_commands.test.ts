import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { importAda, type Onboarded, onboard } from '../scenarios/onboard.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { type InProcessOptions, runInProcess } from './run_in_process.ts';

const CONTOSO = 'c0c0c0c0-0000-4000-8000-000000000001';

let scenario: Scenario;
let shop: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  shop = await onboard(scenario, 'shop');
});
afterAll(() => scenario.close());

const run = (line: string, options: InProcessOptions = {}) =>
  runInProcess(line.split(' '), { address: scenario.vault.addresses.admin, ...options });

const shown = async (line: string) => JSON.parse((await run(`${line} --json`)).stdout);

const APP = `--client-id ${ACME_CLIENT_ID} --client-secret-file - --cloud custom`;

describe('tenants create', () => {
  test('registers the tenant with its app, never prints the secret, and lists the next steps', async () => {
    const line = `tenants create acme --display-name Acme --preset aurinko --label tier=gold --expires 2028-01-31 ${APP}`;
    const { code, stdout, stderr } = await run(line, { input: `${ACME_SECRET}\n` });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^tenants\/acme is created\.\nEntra: [A-Z]+\. /);
    expect(stdout).toContain('\n\nNext steps:\n  1. ');
    expect(stdout).not.toContain(ACME_SECRET.slice(0, 8));
    expect(await shown('tenants show acme')).toMatchObject({
      display_name: 'Acme',
      catalog: 'aurinko',
      labels: { tier: 'gold' },
      next_credential_expire_time: '2028-01-31T00:00:00Z',
    });
    expect(await shown('apps show acme/default')).toMatchObject({ sign_in_audience: 'common', cloud: 'CLOUD_CUSTOM' });
    expect(await run(line, { input: ACME_SECRET })).toMatchObject({
      code: 65,
      stdout: '',
      stderr: expect.stringContaining('[TENANT_EXISTS]'),
    });
  });

  test('without a client id, the tenant has no app', async () => {
    expect((await run(`tenants create bare --directory ${CONTOSO}`)).code).toBe(0);
    expect(await shown('tenants show bare')).toMatchObject({ allowed_directory_ids: [CONTOSO] });
    expect((await run('apps list --tenant bare')).stderr).toBe('No apps.\n');
  });

  test('--dry-run stores nothing', async () => {
    const { code, stdout } = await run(`tenants create dry --json --dry-run ${APP}`, { input: ACME_SECRET });
    expect([code, JSON.parse(stdout).tenant.name]).toEqual([0, 'tenants/dry']);
    expect((await run('tenants show dry')).code).toBe(65);
  });

  test.each([
    ['--client-secret-file -', 'need --client-id'],
    ['--audience common', 'need --client-id'],
    [`--client-id ${ACME_CLIENT_ID}`, 'give one credential'],
    ['--client-id Acme-App', 'must be the "Application (client) ID"'],
    [`${APP} --lead-time 30d`, 'need --rotation on'],
    ['--label tier', 'Give key=value'],
    ['--directory contoso', 'Give the id of a directory'],
  ])('with `%s` is refused with 64', async (options, message) => {
    const { code, stderr } = await run(`tenants create other ${options}`, { input: ACME_SECRET });
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
  });
});

describe('tenants update', () => {
  test('changes what is named, and keeps the rest', async () => {
    await run(`tenants create changed --label tier=gold --directory ${CONTOSO}`);
    await run('tenants update changed --display-name Changed --reminders 90,30,7');
    expect(await shown('tenants show changed')).toMatchObject({
      display_name: 'Changed',
      expiry_thresholds_days: [90, 30, 7],
      allowed_directory_ids: [CONTOSO],
    });
    const { code, stdout } = await run('tenants update changed --any-directory --label plan=pro --label=seats=2');
    expect([code, stdout]).toEqual([0, expect.stringContaining('Directories  any\nLabels       plan=pro, seats=2\n')]);
    expect((await shown('tenants show changed')).display_name).toBe('Changed');
  });

  test('keeps the labels by which rules select tenants', async () => {
    await run('tenants create labelled --label tier=gold');
    await scenario.tenants.setAccessLabels({ name: 'tenants/labelled', labels: { 'access.tier': 'gold' } });
    await run('tenants update labelled --label plan=pro');
    expect((await shown('tenants show labelled')).labels).toEqual({ 'access.tier': 'gold', plan: 'pro' });
  });

  test.each(['', ` --any-directory --directory ${CONTOSO}`, ' --reminders weekly'])(
    'with `%s` is refused with 64',
    async (options) => {
      expect((await run(`tenants update shop${options}`)).code).toBe(64);
    },
  );
});

describe('apps', () => {
  test('create adds an app, with a credential if there is one', async () => {
    const { clientId, secrets } = scenario.sandbox.addApp({ audience: 'common', secrets: [{}] });
    const app = `--client-id ${clientId} --cloud custom --display-name Mail --shared-with acme`;
    const { code, stdout } = await run(`apps create shop/mail ${app} --audience ${CONTOSO} --client-secret-file -`, {
      input: secrets[0]?.value ?? '',
    });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^tenants\/shop\/apps\/mail is created\.\nEntra: ACC/)]);
    expect(await shown('apps show shop/mail')).toMatchObject({
      display_name: 'Mail',
      shared_with: ['tenants/acme'],
      credentials: [{ name: 'tenants/shop/apps/mail/credentials/default' }],
    });
    expect((await run(`apps create shop/empty ${app}`)).code).toBe(0);
    expect((await shown('apps show shop/empty')).credentials).toEqual([]);
  });

  test('update turns rotation on, and keeps its window', async () => {
    const { name } = await shown('apps show shop/default');
    await scenario.apps.updateApp({
      app: { name, rotation: { hours: [2, 3], timeZone: 'Europe/Berlin' }, homeDirectoryId: CONTOSO },
      updateMask: { paths: ['rotation', 'home_directory_id'] },
    });
    expect((await run('apps update shop/default --rotation on --lead-time 20d --secret-life 90')).code).toBe(0);
    expect((await shown('apps show shop/default')).rotation).toMatchObject({
      lead_time: '1728000s',
      secret_life: '7776000s',
      hours: [2, 3],
      time_zone: 'Europe/Berlin',
    });
    const { stdout } = await run('apps show shop/default');
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'automatic; 20 days before the expiry; new ones expire after 90 days; only every day, hours 2, 3 (Europe/Berlin) ',
    );
    expect((await run('apps update shop/default --rotation off')).code).toBe(0);
    const { rotation, home_directory_id } = await shown('apps show shop/default');
    expect([rotation, home_directory_id]).toEqual([undefined, CONTOSO]);
  });

  test('update without a change is refused with 64', async () => {
    expect(await run('apps update shop/default')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('error: give what to change'),
    });
  });

  test('suspend and resume change the state', async () => {
    expect(await run('apps suspend shop/default')).toMatchObject({
      code: 0,
      stdout: 'tenants/shop/apps/default is suspended.\n',
    });
    expect((await shown('apps show shop/default')).suspended).toBe(true);
    expect((await run('apps resume shop/default')).stdout).toBe('tenants/shop/apps/default is active.\n');
    expect((await shown('apps show shop/default')).suspended).toBe(false);
  });

  test('delete asks, and needs --force for an app with connections', async () => {
    const old = await onboard(scenario, 'old');
    await importAda(scenario, old, 'ada');
    expect((await run('apps delete old/default')).code).toBe(64);
    expect((await run('apps delete old/default', { terminal: 80, input: 'old\n' })).code).toBe(130);
    expect(await run('apps delete old/default --yes')).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('[APP_IN_USE]'),
    });
    const deleted = await run('apps delete old/default --force', { terminal: 80, input: 'default\n' });
    expect([deleted.code, deleted.stdout]).toEqual([0, expect.stringContaining('is deleted. Nothing is changed in')]);
    expect((await run('connections list --tenant old')).stderr).toBe('No connections.\n');
  });

  test('request-consent prints the link for an administrator', async () => {
    const { code, stdout } = await run('apps request-consent shop/default --scope Mail.ReadOnly');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^An administrator of the customer opens this link, until .* UTC:\nhttp:\/\/\S+\n$/),
    ]);
  });
});

describe('connections', () => {
  test('authorize prints the link with which a user connects', async () => {
    const { code, stdout } = await run('connections authorize shop/eva --scope Mail.ReadOnly --auto-confirm');
    const [, link = ''] = /^The user opens this link, until .* UTC:\n(http:\/\/\S+)\n/.exec(stdout) ?? [];
    expect(code).toBe(0);
    await scenario.browser.walk(link, { as: 'ada@contoso.example' });
    expect((await shown('connections show shop/eva')).state).toBe('STATE_ACTIVE');
    const again = await run('connections authorize shop/eva --auto-confirm --json');
    expect([again.code, JSON.parse(again.stdout).connect_uri]).toEqual([0, expect.stringMatching(/^http:/)]);
  });

  test('authorize needs what completes it', async () => {
    const { code, stderr } = await run('connections authorize shop/eva');
    expect([code, stderr]).toEqual([64, expect.stringContaining('give --return-url, ')]);
  });

  test('delete asks for the id', async () => {
    await importAda(scenario, shop, 'gone');
    expect((await run('connections delete shop/gone')).code).toBe(64);
    expect((await run('connections delete shop/gone', { terminal: 80, input: 'gone\n' })).code).toBe(0);
    expect((await run('connections show shop/gone')).stderr).toContain('[CONNECTION_NOT_FOUND]');
  });
});
