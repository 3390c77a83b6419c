import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readCallers } from '../../src/config/read_callers_file.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { DAY } from '../../src/model/clock.ts';
import { callersFile, callersFileOf } from '../scenarios/callers_file.ts';
import { temporaryFiles } from './import_program.ts';
import { startProgram } from './program.ts';

const run = (...args: readonly string[]) => startProgram(['callers', ...args]).ended;

test('new-key prints a key and an entry that the callers file accepts', async () => {
  const rule = ['--role', 'token_reader', '--tenant', 'acme', 'beta', '--connections', 'mail-*'];
  const limits = ['--scopes', 'Mail.ReadOnly', '--excess', 'REFUSE', '--expires', '90d'];

  const { code, stdout } = await run('new-key', 'mail-sync', ...rule, ...limits);

  expect(code).toBe(0);
  expect(stdout).toMatch(/\n {2}tv1_mail-sync_[\w-]{43}\n/);
  const entry = stdout.slice(stdout.indexOf('  - id: mail-sync'));
  const root = callersFile()
    .replace(/^[^[]*\[/, '')
    .replace(/\][^\]]*$/, '');
  const text = `version: 1\ncallers:\n${entry.trimEnd()}\n  - ${JSON.stringify(parse(`[${root}]`)[0])}\nend: true\n`;
  const [known] = readCallers(text, 'x', { methods: [], isScopeOrPermission: () => true }).keys;
  expect(known?.caller).toMatchObject({
    id: 'mail-sync',
    credentialId: 'k1',
    rules: [
      {
        role: 'token_reader',
        tenants: ['acme', 'beta'],
        connections: 'mail-*',
        ceiling: { scopes: ['Mail.ReadOnly'], excess: 'REFUSE' },
      },
    ],
  });
  expect(known?.caller.expireTime).toBeGreaterThan(Date.now() + 89 * DAY);
  expect(known?.caller.expireTime).toBeLessThan(Date.now() + 91 * DAY);
});

test('new-key without a role prints the entry of a second key, and JSON for programs', async () => {
  const text = await run('new-key', 'mail-sync', '--key-id', 'k2');
  expect(text.stdout).toContain('\n      - id: k2\n        sha256: ');
  expect(text.stdout).not.toContain('rules');

  const { stdout } = await run('new-key', 'mail-sync', '--expires', '2027-01-31', '--json');
  const { api_key, sha256, entry } = JSON.parse(stdout) as Record<string, unknown>;
  expect(api_key).toMatch(/^tv1_mail-sync_/);
  expect(entry).toEqual({ id: 'mail-sync', api_keys: [{ id: 'k1', sha256, expire_time: '2027-01-31T00:00:00.000Z' }] });
});

test.each([
  ['--role without --tenant', ['--role', 'operator'], '--role needs --tenant'],
  ['--tenant without --role', ['--tenant', 'acme'], 'need --role'],
  ['an unknown role', ['--role', 'reader', '--tenant', 'acme'], 'Allowed choices are operator'],
  ['--scopes without --excess', ['--role', 'token_reader', '--tenant', 'acme', '--scopes', 'X'], 'belong together'],
  ['an expiry in the past', ['--expires', '2020-01-01'], 'Give a date'],
  ['no expiry', ['--expires', 'never'], 'Give a date'],
])('new-key with %s ends with 64', async (_, flags, fault) => {
  const { code, stdout, stderr } = await run('new-key', 'mail-sync', ...flags);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toContain(fault);
});

const reader = {
  id: 'mail',
  ...newApiKey('mail'),
  rules: [
    { id: 'reads', role: 'token_reader', tenants: ['acme'], scopes: ['Mail.Read'], excess: 'ALLOW' },
    { id: 'looks', role: 'connector', tenants: ['acme'], rate: { per_second: 5, burst: 10 } },
    { id: 'not-ceo', effect: 'DENY', actions: ['TokenService/*'], tenants: ['*'], connections: 'ceo-*' },
  ],
};

test('check lists keys and rules of a valid file', async () => {
  const file = temporaryFiles().write('callers.yaml', callersFile(reader));

  const { code, stdout } = await run('check', file);

  expect(code).toBe(0);
  expect(stdout).toMatch(/callers\.yaml is valid\. SHA-256: [0-9a-f]{64}\n/);
  expect(stdout).toContain('2100-01-01 00:00  valid  mail/k1');
  expect(stdout).toMatch(/^mail +reads +ALLOW +token_reader +acme +scopes Mail\.Read \(excess ALLOW\)$/m);
  expect(stdout).toMatch(/^mail +looks +ALLOW +connector +acme +5 calls a second, burst 10$/m);
  expect(stdout).toMatch(/^mail +not-ceo +DENY +TokenService\/\* +\* +connections ceo-\*$/m);
});

test('check lists issuers and tokens', async () => {
  const text = callersFileOf({
    issuers: [
      {
        id: 'cluster',
        kind: 'kubernetes',
        issuer: 'https://k8s.example',
        audiences: ['token-vault'],
        algorithms: ['RS256'],
        jwks: { file: '/run/jwks.json' },
      },
    ],
    callers: [
      {
        id: 'mail',
        tokens: [{ id: 'pod', issuer: 'cluster', namespace: 'mail', service_account: 'sync' }],
        rules: [{ role: 'token_reader', tenants: ['acme'] }],
      },
    ],
  });
  const file = temporaryFiles().write('callers.yaml', text);

  const { code, stdout } = await run('check', file);

  expect(code).toBe(0);
  expect(stdout).toMatch(/ mail\/pod +token of system:serviceaccount:mail:sync, issued by cluster$/m);
  expect(stdout).toMatch(/^cluster +kubernetes +token-vault +RS256 +\/run\/jwks\.json +https:\/\/k8s\.example$/m);
  expect((await run('check', file, '--as', 'mail')).code).toBe(0);
});

test('check ends with 78 and names all errors of a broken file', async () => {
  const broken = callersFile({ ...reader, rules: [{ role: 'reader', tenants: [] }] }).replace(
    '"version": 1',
    '"version": 2',
  );
  const { code, stdout, stderr } = await run('check', temporaryFiles().write('callers.yaml', broken));
  expect([code, stdout]).toEqual([78, '']);
  for (const fault of ['version must be 1', 'role must be one of', 'tenants must name'])
    expect(stderr).toContain(fault);
});

test.each([
  ['tenants/acme/connections/ada', ['Mail.Read'], 0, 'is allowed. The rule reads decides.'],
  ['tenants/acme/connections/ada', ['Calendars.Read'], 77, 'graph.microsoft.com/Calendars.Read is above its scopes'],
  ['tenants/acme/connections/ceo-1', ['Mail.Read'], 77, 'is denied. The rule not-ceo decides.'],
  ['tenants/beta/connections/ada', ['Mail.Read'], 77, 'is denied. No rule allows it.'],
])('check --as explains a call on %s for %s', async (resource, scopes, exitCode, verdict) => {
  const file = temporaryFiles().write('callers.yaml', callersFile(reader));
  const call = ['--as', 'mail', '--method', 'TokenService/GetAccessToken', '--resource', resource];
  const { code, stdout } = await run('check', file, ...call, '--scopes', ...scopes);
  expect(code).toBe(exitCode);
  expect(stdout).toContain(verdict);
});

test.each([
  [['access.tier=gold', 'access.region=eu'], 0, 'is allowed. The rule golden decides.'],
  [['access.tier=silver'], 77, 'golden is about tenants with access.tier=gold'],
  [[], 77, 'golden needs the labels of acme, which are not known now'],
])('check --as compares the labels of the tenant: %s', async (labels, exitCode, verdict) => {
  const rules = [{ id: 'golden', role: 'token_reader', tenants: { 'access.tier': 'gold' } }];
  const file = temporaryFiles().write('callers.yaml', callersFile({ ...reader, rules }));
  const call = ['--method', 'TokenService/GetAccessToken', '--resource', 'tenants/acme/connections/ada'];
  const given = labels.length === 0 ? [] : ['--labels', ...labels];
  const { code, stdout } = await run('check', file, '--as', 'mail', ...call, ...given);
  expect(code).toBe(exitCode);
  expect(stdout).toContain(verdict);
});

test('check --as lists the decision for each method', async () => {
  const file = temporaryFiles().write('callers.yaml', callersFile(reader));
  const { code, stdout } = await run('check', file, '--as', 'mail', '--resource', 'tenants/acme/connections/ada');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^up to its scopes +reads +TokenService\/GetAccessToken$/m);
  expect(stdout).toMatch(/^denied +TenantService\/GetTenant$/m);
  expect((await run('check', file, '--as', 'post')).code).toBe(64);
});
