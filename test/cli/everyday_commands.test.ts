import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { importAda, onboard } from '../scenarios/onboard.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { temporaryFiles } from './import_program.ts';
import { type InProcessOptions, runInProcess } from './run_in_process.ts';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());

const run = (line: string, options: InProcessOptions = {}) =>
  runInProcess(line.split(' '), { address: scenario.vault.addresses.admin, ...options });

const CONTOSO = 'c0c0c0c0-0000-4000-8000-000000000001';

const linesOf = (text: string) => text.trimEnd().split('\n');

describe('tenants', () => {
  beforeAll(async () => {
    for (const tenantId of ['first', 'second', 'third']) await scenario.tenants.registerTenant({ tenantId });
  });

  test('list prints a table in a pipe, and one JSON object in each line with --json', async () => {
    const { code, stdout, stderr } = await run('tenants list');
    expect([code, stderr]).toEqual([0, '']);
    expect(linesOf(stdout)).toEqual(
      expect.arrayContaining([
        'STATE   EXPIRES  CATALOG    TENANT',
        'ACTIVE           microsoft  tenants/first',
        'ACTIVE           microsoft  tenants/third',
      ]),
    );

    const { stdout: json } = await run('tenants list --json');
    expect(linesOf(json).map((line) => JSON.parse(line).name)).toContain('tenants/second');
  });

  test('list ends at --limit, and continues with the page token that it prints', async () => {
    const all = linesOf((await run('tenants list --json')).stdout);
    const { stdout, stderr } = await run('tenants list --json --limit 2');
    const [, token] = /--page-token (\S+)\n$/.exec(stderr) ?? [];
    const rest = await run(`tenants list --json --page-token ${token}`);
    expect([...linesOf(stdout), ...linesOf(rest.stdout)]).toEqual(all);
    expect(rest.stderr).toBe('');
  });

  test('show accepts the id and the name', async () => {
    const { code, stdout } = await run('tenants show first');
    expect(code).toBe(0);
    expect(linesOf(stdout)).toEqual(
      expect.arrayContaining(['Tenant       tenants/first', 'State        ACTIVE', 'Directories  any']),
    );
    const { stdout: json } = await run('tenants show tenants/first --json');
    expect(JSON.parse(json)).toMatchObject({ name: 'tenants/first', state: 'STATE_ACTIVE' });
  });

  test('suspend and resume change the state', async () => {
    expect(await run('tenants suspend first')).toMatchObject({ code: 0, stdout: 'tenants/first is suspended.\n' });
    expect(JSON.parse((await run('tenants show first --json')).stdout).state).toBe('STATE_SUSPENDED');
    expect(await run('tenants resume first')).toMatchObject({ code: 0, stdout: 'tenants/first is active.\n' });
  });

  test('delete is refused in a pipe, and on a terminal without the id of the tenant', async () => {
    const { code, stderr } = await run('tenants delete second');
    expect([code, stderr]).toEqual([64, expect.stringContaining('Nothing was done. Add --yes')]);
    for (const input of ['', 'yes\n', 'first\n']) {
      const refused = await run('tenants delete second', { terminal: 80, input });
      expect([refused.code, refused.stdout]).toEqual([130, '']);
      expect(refused.stderr).toContain('Type second to confirm: ');
    }
    expect((await run('tenants show second')).code).toBe(0);
  });

  test('delete deletes what was confirmed, or with --yes', async () => {
    expect(await run('tenants delete second', { terminal: 80, input: 'second\n' })).toMatchObject({
      code: 0,
      stdout: 'tenants/second is deleted.\n',
    });
    const { code, stdout } = await run('tenants delete third --yes --json');
    expect([code, JSON.parse(stdout).name]).toEqual([0, 'tenants/third']);
    const { code: missing, stderr } = await run('tenants show third');
    expect([missing, stderr]).toEqual([
      65,
      expect.stringMatching(/\[TENANT_NOT_FOUND\]\n`token-vault tenants list` lists the tenants\.\n$/),
    ]);
  });

  test('a tenant with connections is deleted only with --force', async () => {
    const busy = await onboard(scenario, 'busy');
    await importAda(scenario, busy, 'ada');
    const { code, stderr } = await run('tenants delete busy --yes');
    expect([code, stderr]).toEqual([65, expect.stringContaining('[TENANT_NOT_EMPTY]')]);
    expect((await run('tenants delete busy --yes --force')).code).toBe(0);
  });
});

describe('apps', () => {
  test('list shows the first expiry, and an empty list a message', async () => {
    const secretExpireTime = timestampFromMs(Date.UTC(2028, 0, 31));
    await onboard(scenario, 'listed', { app: { secretExpireTime } });
    const { stdout } = await run('apps list --tenant listed');
    expect(linesOf(stdout)).toEqual([
      'STATE  EXPIRES     CREDENTIALS  APP',
      'OK     2028-01-31  1            tenants/listed/apps/default',
    ]);
    expect(JSON.parse((await run('apps list --json --tenant listed')).stdout).name).toBe('tenants/listed/apps/default');

    await scenario.tenants.registerTenant({ tenantId: 'appless' });
    expect(await run('apps list --tenant appless')).toMatchObject({ code: 0, stdout: '', stderr: 'No apps.\n' });
  });

  test('show has the credentials in 80 columns', async () => {
    await onboard(scenario, 'shown');
    const { stdout } = await run('apps show shown/default', { terminal: 80 });
    expect(stdout).toContain('App             tenants/shown/apps/default\n');
    expect(linesOf(stdout).at(-1)).toMatch(/^UNPROBED {2}PREFERRED {2}unknown .* secret {2}default$/);
    expect(Math.max(...linesOf(stdout).map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  test('verify ends with 0 if Entra accepts the credential, and with 65 if it rejects it', async () => {
    const { app, clientId, secret } = await onboard(scenario, 'verified');
    const accepted = await run(`apps verify ${app} --directory ${CONTOSO} --json`);
    expect([accepted.code, JSON.parse(accepted.stdout).credential_probes[0].outcome]).toEqual([0, 'OUTCOME_ACCEPTED']);

    scenario.sandbox.expireSecret(clientId, secret);
    const { code, stdout } = await run(`apps verify verified/default --directory ${CONTOSO}`);
    expect(code).toBe(65);
    expect(stdout).toContain(`REJECTED ${app}/credentials/default: `);
    expect(stdout).toContain('Next steps:\n  1. ');
  });

  test('verify ends with 75 if no directory is known', async () => {
    const { app } = await onboard(scenario, 'unknown');
    const { code, stdout } = await run(`apps verify ${app}`);
    expect([code, stdout]).toEqual([75, expect.stringContaining('SKIPPED ')]);
  });
});

describe('credentials', () => {
  const secretOf = (clientId: string) => scenario.sandbox.addSecret(clientId).value;

  test('list prints the credentials of all apps, one JSON object each', async () => {
    await onboard(scenario, 'holder');
    const { stdout } = await run('credentials list --tenant holder');
    expect(linesOf(stdout)).toEqual([
      'STATE     EXPIRES  KIND    CREDENTIAL',
      'UNPROBED  unknown  secret  tenants/holder/apps/default/credentials/default',
    ]);
    const { stdout: json } = await run('credentials list --json');
    expect(linesOf(json).map((line) => JSON.parse(line).name)).toContain(
      'tenants/holder/apps/default/credentials/default',
    );
  });

  test('add reads a secret from a pipe, a file or a terminal, and never prints it', async () => {
    const { clientId } = await onboard(scenario, 'adder', { app: { signInAudience: CONTOSO } });
    const [piped, filed, typed] = [secretOf(clientId), secretOf(clientId), secretOf(clientId)];
    const add = (id: string, more: string) => `credentials add adder/default ${id} --expires 2028-01-31 ${more}`;
    const results = [
      await run(add('piped', '--client-secret-file -'), { input: `${piped}\n` }),
      await run(add('filed', `--client-secret-file ${temporaryFiles().write('secret', filed)}`)),
      await run(add('typed', '--client-secret-file -'), { input: `${typed}\n`, terminal: 80 }),
    ];
    for (const { code, stdout, stderr } of results) {
      expect([code, stdout]).toEqual([0, expect.stringMatching(/ is added\.\nEntra: ACCEPTED\./)]);
      for (const secret of [piped, filed, typed]) expect(stdout + stderr).not.toContain(secret);
    }
    expect(results[2]?.stderr).toBe('The client secret, which is not shown: \n');
    const { stdout } = await run('apps show adder/default --json');
    expect(JSON.parse(stdout).credentials.map((one: { hint: string }) => one.hint)).toEqual(
      expect.arrayContaining([piped, filed, typed].map((secret) => secret.slice(0, 3))),
    );
  });

  test('add --dry-run stores nothing', async () => {
    const { clientId } = await onboard(scenario, 'dry');
    const input = secretOf(clientId);
    const { code, stdout } = await run('credentials add dry/default second --client-secret-file - --dry-run', {
      input,
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining('could be added. This was a dry run')]);
    expect(linesOf((await run('credentials list --tenant dry --json')).stdout)).toHaveLength(1);
  });

  test('add --generate-certificate prints what an administrator adds to the registration', async () => {
    await onboard(scenario, 'maker');
    const { code, stdout } = await run('credentials add maker/default made --generate-certificate --life 90d');
    expect([code, stdout]).toEqual([0, expect.stringContaining('-----BEGIN CERTIFICATE-----\n')]);
    expect(stdout).toContain('az ad app credential');
    const pem = stdout.slice(stdout.indexOf('-----BEGIN'), stdout.indexOf('az ad app credential'));
    expect((await run('apps verify maker/default')).stdout).toContain(`\n${pem}`);
  });

  test('add reads a certificate and its key from files', async () => {
    await onboard(scenario, 'certified');
    const files = temporaryFiles();
    const { certificate, privateKey } = makeCertificate(Date.now() - DAY, Date.now() + 300 * DAY);
    const paths = `--certificate-file ${files.write('cert.pem', certificate)} --private-key-file ${files.write('key.pem', privateKey)}`;
    expect((await run(`credentials add certified/default cert ${paths}`)).code).toBe(0);
    expect((await run('credentials list --tenant certified')).stdout).toContain('  certificate  ');
  });

  test.each([
    ['no credential', '', 'give one credential'],
    ['two', '--generate-certificate --key-vault-secret https://a.vault.azure.net/secrets/b', 'give one credential'],
    ['a certificate without a key', '--certificate-file cert.pem', 'need each other'],
    ['an expiry of something else', '--generate-certificate --expires 2028-01-31', '--expires needs'],
    ['a date in words', '--client-secret-file x --expires tomorrow', 'Give a date'],
    ['a life of something else', '--client-secret-file x --life 90d', '--life needs'],
  ])('add with %s is refused with 64', async (_, options, message) => {
    const { code, stderr } = await run(`credentials add acme/default second ${options}`.trim());
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
  });

  test('add ends with 66 for a missing file, and with 65 for an empty one', async () => {
    const add = 'credentials add acme/default second --client-secret-file';
    expect((await run(`${add} /nowhere`)).code).toBe(66);
    expect((await run(`${add} -`)).code).toBe(65);
  });

  test('remove asks for the id, and needs --force for the last one that works', async () => {
    const { clientId, app } = await onboard(scenario, 'remover', { app: { signInAudience: CONTOSO } });
    const remove = `credentials remove remover/default/default`;
    expect((await run(remove)).code).toBe(64);
    expect((await run(remove, { terminal: 80, input: 'no\n' })).code).toBe(130);
    expect(await run(`${remove} --yes`)).toMatchObject({ code: 65, stderr: expect.stringContaining('[APP_IN_USE]') });
    await run(`credentials add ${app} second --client-secret-file -`, { input: secretOf(clientId) });
    const { code, stdout } = await run(remove, { terminal: 80, input: 'default\n' });
    expect([code, stdout]).toEqual([0, expect.stringContaining('is removed. Delete it in the app registration')]);
    expect((await run('credentials remove remover/default/second --yes --force')).code).toBe(0);
    expect(await run(`${remove} --yes`)).toMatchObject({ code: 65, stderr: expect.stringContaining('_NOT_FOUND]') });
  });
});

describe('connections', () => {
  test('list filters by state, and show says who must act', async () => {
    const users = await onboard(scenario, 'users');
    await importAda(scenario, users, 'ada');
    await scenario.connections.startAuthorization({
      connection: users.connection('eva'),
      scopes: ['Mail.ReadOnly'],
      autoConfirm: true,
    });
    const { stdout } = await run('connections list --tenant users --state active');
    expect(linesOf(stdout)).toEqual([
      'STATE   REASON  REFRESHED   CONNECTION',
      expect.stringMatching(/^ACTIVE {10}\d{4}-\d\d-\d\d {2}tenants\/users\/connections\/ada$/),
    ]);
    const { stdout: pending } = await run('connections list --tenant users --state PENDING --json');
    expect(JSON.parse(pending)).toMatchObject({ name: users.connection('eva'), state: 'STATE_PENDING' });

    const { stdout: shown } = await run('connections show users/ada');
    expect(shown).toContain('App           tenants/users/apps/default\n');
    expect(shown).toContain('https://graph.microsoft.com Mail.Read');
  });

  test('verify ends with 0 if the connection is ACTIVE, otherwise with 65', async () => {
    const checked = await onboard(scenario, 'checked');
    await importAda(scenario, checked, 'ada');
    expect((await run('connections verify checked/ada')).code).toBe(0);
    await scenario.connections.startAuthorization({
      connection: checked.connection('eva'),
      scopes: ['Mail.ReadOnly'],
      autoConfirm: true,
    });
    const { code, stdout } = await run('connections verify checked/eva --json');
    expect([code, JSON.parse(stdout).state]).toEqual([65, 'STATE_PENDING']);
  });

  test('show names the section of the runbook for what is wrong', async () => {
    const revoked = await onboard(scenario, 'revoked');
    await importAda(scenario, revoked, 'grace', { user: 'grace@contoso.example' });
    scenario.sandbox.revokeSessions('grace@contoso.example');
    expect((await run('connections verify revoked/grace')).code).toBe(65);
    expect((await run('connections show revoked/grace')).stdout).toContain(
      'What to do    docs/runbook.md#reauthorization_required\n',
    );
  });

  test('suspend and resume change the state', async () => {
    const paused = await onboard(scenario, 'paused');
    await importAda(scenario, paused, 'ada');
    expect((await run('connections suspend paused/ada')).stdout).toContain('State         SUSPENDED\n');
    expect((await run('connections resume paused/ada')).stdout).toContain('State         ACTIVE\n');
  });
});

describe('names', () => {
  test.each([
    ['tenants show Acme', 'as acme or tenants/acme'],
    ['apps show acme', 'as acme/default or tenants/acme/apps/default'],
    ['apps show tenants/acme', 'Give the name of an app'],
    ['apps verify tenants/acme/default', 'Give the name of an app'],
    ['connections show tenants/acme', 'Give the name of a connection'],
    ['credentials remove tenants/acme/default', 'Give the name of a credential'],
    ['connections show acme', 'as acme/ada or tenants/acme/connections/ada'],
    ['connections list --tenant acme/ada', 'Give the name of a tenant'],
    ['connections list --state broken', 'Give one of PENDING, ACTIVE'],
    ['events redeliver PAGER', 'lower-case letters'],
    ['tenants list --limit 0', 'Give a whole number from 1 on.'],
  ])('`%s` is refused with the form that is expected', async (line, form) => {
    expect(await run(line)).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(form) });
  });
});
