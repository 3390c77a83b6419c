import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { CONTOSO_USER, type Onboarded, onboard } from '../scenarios/onboard.ts';
import { reasonOf, type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { answerOf, jsonLines, type RejectedJson, runImport, startImport, temporaryFiles } from './import_program.ts';

const ADA = 'ada0ada0-0000-4000-8000-000000000001';
const CONTOSO = 'c0c0c0c0-0000-4000-8000-000000000001';

let scenario: Scenario;
let admin: readonly string[];
beforeAll(async () => {
  scenario = await startScenario();
  admin = ['--address', scenario.vault.addresses.admin];
});
afterAll(() => scenario.close());

function token(tenant: Onboarded, user = CONTOSO_USER): string {
  const scopes = 'openid profile offline_access User.Read MailboxSettings.Read Mail.Read';
  return scenario.sandbox.issueRefreshToken({ clientId: tenant.clientId, userObjectId: user, scopes });
}

function stateOf(name: string) {
  return scenario.connections.getConnection({ name }).then(({ connection }) => connection);
}

test('a dry run reports the result, stores nothing and sends no request to Entra', async () => {
  const tenant = await onboard(scenario, 'dry');
  const file = temporaryFiles().write('in.jsonl', jsonLines([{ connection: 'ada', refresh_token: token(tenant) }]));

  const result = await runImport(['jsonl', file, '--tenant', 'dry', '--scope', 'Mail.ReadOnly', ...admin]);

  expect(result.code).toBe(0);
  expect(result.stdout).toContain('connections: 1 would be imported, 0 already there, 0 skipped, 0 refused');
  expect(result.stdout).toContain('--apply');
  expect(await reasonOf(scenario.connections.getConnection({ name: tenant.connection('ada') }))).toBe(
    'CONNECTION_NOT_FOUND',
  );
  expect(scenario.asked(tenant.clientId)).toEqual([]);
});

test('an invalid line is reported with number, connection and next step; the others are imported', async () => {
  const tenant = await onboard(scenario, 'mixed');
  const files = temporaryFiles();
  const canary = `canary-${'x'.repeat(20)}`;
  const good = (connection: string) => ({
    connection,
    refresh_token: token(tenant),
    scopes: ['Mail.ReadOnly'],
    tenant: 'mixed',
  });
  const file = files.write(
    'in.jsonl',
    jsonLines([
      good('ada'),
      `{"connection":"broken","refresh_token":"${canary}`,
      { ...good('no-token'), refresh_token: undefined },
      { ...good('dead'), refresh_token: canary },
      good('ada'),
      { ...good('foreign'), client_id: '99999999-9999-4999-8999-999999999999' },
      { ...good('own'), client_id: tenant.clientId },
      { ...good('typo'), external_Id: 'U1' },
      { ...good('lost'), tenant: 'nobody' },
      { ...good('unknown-scope'), scopes: ['Mail.Raed'] },
      '',
      { ...good('one'), external_id: 'U1' },
      { ...good('two'), external_id: 'U1' },
      { ...good('other-account'), account: { username: 'grace@contoso.example' } },
      `{"connection":"long","refresh_token":"${canary.repeat(4_000)}"}`,
      good('last'),
    ]),
  );
  const report = files.path('report.jsonl');

  const result = await runImport(['jsonl', file, '--apply', '--json', '--report', report, ...admin]);

  const answer = answerOf(result);
  expect(result.code).toBe(65);
  expect(answer.connections).toEqual({ imported: 4, already_there: 0, skipped: 0, refused: 11, doubtful: 0 });
  const refusals = (lines: readonly RejectedJson[]) =>
    lines.map(({ line, what, reason }) => [line, what, reason]).sort(([one], [other]) => Number(one) - Number(other));
  expect(refusals(answer.left_out)).toEqual([
    [2, 'line', 'NOT_JSON'],
    [3, tenant.connection('no-token'), 'FIELD_INVALID'],
    [4, tenant.connection('dead'), 'REFRESH_TOKEN_REJECTED'],
    [5, tenant.connection('ada'), 'DUPLICATE'],
    [6, tenant.connection('foreign'), 'FOREIGN_CLIENT_ID'],
    [8, tenant.connection('typo'), 'FIELD_UNKNOWN'],
    [9, 'tenants/nobody/connections/lost', 'TENANT_NOT_FOUND'],
    [10, tenant.connection('unknown-scope'), 'SCOPE_UNKNOWN'],
    [13, tenant.connection('two'), 'DUPLICATE'],
    [14, tenant.connection('other-account'), 'ACCOUNT_MISMATCH'],
    [15, 'line', 'LINE_TOO_LONG'],
  ]);
  expect(answer.left_out.every(({ next_step }) => next_step !== '')).toBe(true);
  const written = files
    .read('report.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RejectedJson);
  expect(refusals(written)).toEqual(refusals(answer.left_out));
  for (const id of ['ada', 'own', 'one', 'last'])
    expect(await stateOf(tenant.connection(id)), id).toMatchObject({ state: Connection_State.ACTIVE });
  expect(await stateOf(tenant.connection('one'))).toMatchObject({ externalId: 'U1', app: tenant.app });
  for (const text of [result.stdout, result.stderr, files.read('report.jsonl')]) expect(text).not.toContain('canary');
});

test('a second run keeps existing connections, also under another external id', async () => {
  const tenant = await onboard(scenario, 'again');
  const line = { connection: 'ada', refresh_token: token(tenant), scopes: ['Mail.ReadOnly'], external_id: 'U1' };
  const files = temporaryFiles();
  const command = [
    'jsonl',
    files.write('in.jsonl', jsonLines([line])),
    '--tenant',
    'again',
    '--apply',
    '--json',
    ...admin,
  ];
  await runImport(command);
  const before = await stateOf(tenant.connection('ada'));

  const second = await runImport(command);
  const other = await runImport(
    [...command, '--json'].with(1, files.write('b.jsonl', jsonLines([{ ...line, connection: 'b' }]))),
  );

  expect(second.code).toBe(0);
  expect(answerOf(second).connections).toEqual({ imported: 0, already_there: 1, skipped: 0, refused: 0, doubtful: 0 });
  expect(await stateOf(tenant.connection('ada'))).toEqual(before);
  expect(answerOf(other).left_out).toMatchObject([
    { reason: 'CONNECTION_EXISTS', why: expect.stringContaining('external_id') },
  ]);
  const dry = await runImport(command.filter((word) => word !== '--apply'));
  expect(answerOf(dry).connections).toEqual({ imported: 0, already_there: 1, skipped: 0, refused: 0, doubtful: 0 });
});

test('on-first-use sends no request to Entra, and the connection then serves a token', async () => {
  const tenant = await onboard(scenario, 'later');
  const line = {
    connection: 'ada',
    refresh_token: token(tenant),
    account: { directory_id: CONTOSO, object_id: ADA, username: CONTOSO_USER },
    labels: { plan: 'gold' },
  };
  const args = ['jsonl', '-', '--tenant', 'later', '--scope', 'Mail.ReadOnly', '--verify', 'on-first-use', '--apply'];

  const result = await runImport([...args, ...admin], jsonLines([line]));

  expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('connections: 1 imported') });
  expect(scenario.asked(tenant.clientId)).toEqual([]);
  const connection = tenant.connection('ada');
  expect(await stateOf(connection)).toMatchObject({
    state: Connection_State.ACTIVE,
    labels: { plan: 'gold' },
    account: { objectId: ADA },
  });
  const { accessToken } = await scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
  expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);
});

test('an import that waits for standard input stops when it is interrupted', async () => {
  const tenant = await onboard(scenario, 'piped');
  const args = ['jsonl', '-', '--tenant', 'piped', '--scope', 'Mail.ReadOnly', '--apply', '--json', ...admin];
  const { child, ended } = startImport(args, {
    thenWaits: jsonLines([{ connection: 'ada', refresh_token: token(tenant) }]),
  });
  const name = tenant.connection('ada');
  while ((await reasonOf(scenario.connections.getConnection({ name }))) !== 'OK') await turn();

  child.kill('SIGTERM');

  const result = await ended;
  expect(result.code).toBe(143);
  expect(answerOf(result)).toMatchObject({
    stopped: expect.stringContaining('Interrupted'),
    connections: { imported: 1 },
  });
});

test('Ctrl-C under npm, which sends it twice, still prints the report', async () => {
  const tenant = await onboard(scenario, 'twice');
  const args = ['jsonl', '-', '--tenant', 'twice', '--scope', 'Mail.ReadOnly', '--apply', '--json', ...admin];
  const { child, ended } = startImport(args, {
    thenWaits: jsonLines([{ connection: 'ada', refresh_token: token(tenant) }]),
  });
  const name = tenant.connection('ada');
  while ((await reasonOf(scenario.connections.getConnection({ name }))) !== 'OK') await turn();

  // Two equal signals could be merged.
  child.kill('SIGTERM');
  child.kill('SIGINT');

  expect(answerOf(await ended)).toMatchObject({ stopped: expect.stringContaining('Interrupted') });
});

test('the terminal shows twenty refused lines and the number of others', async () => {
  await onboard(scenario, 'many');
  const files = temporaryFiles();
  const file = files.write('in.jsonl', jsonLines(Array.from({ length: 1_234 }, () => '}')));

  const result = await runImport(['jsonl', file, '--report', files.path('report'), ...admin]);

  expect(result.code).toBe(65);
  expect(result.stdout).toMatch(/^line 1: refused, not valid JSON \(at column 1\) \[NOT_JSON\]$/m);
  expect(result.stdout).toContain(`… and 1,214 more; all are in ${files.path('report')}.`);
  expect(files.read('report').trim().split('\n')).toHaveLength(1_234);
});

test('rejected lines are reported in their order, not in that of the answers', async () => {
  const lines = [
    { connection: 'late', refresh_token: 'x', scopes: ['Mail.Reed'] },
    { connection: 'soon', scopes: ['Mail.Read'] },
    { connection: 'later', refresh_token: 'x', tenant: 'nobody', scopes: ['Mail.Read'] },
    { connection: 'at once' },
  ];

  const result = await runImport(['jsonl', '-', '--tenant', 'acme', '--json', ...admin], jsonLines(lines));

  expect(answerOf(result).left_out.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
});

test.each(['', 'nonsense', 'http://127.0.0.1:50052', '127.0.0.1'])('the address %j is invalid', async (text) => {
  const { code, stderr } = await runImport(['jsonl', '-', '--address', text]);

  expect(code).toBe(64);
  expect(stderr).toContain('host:port');
});

test('the report never overwrites the input', async () => {
  const files = temporaryFiles();
  const file = files.write('in.jsonl', '{}\n');

  const result = await runImport(['jsonl', file, '--report', file, ...admin]);

  expect(result.code).toBe(64);
  expect(files.read('in.jsonl')).toBe('{}\n');
});

test.each([
  ['an unknown option', ['jsonl', 'x', '--aply'], 64],
  ['an invalid tenant id', ['jsonl', 'x', '--tenant', 'A B'], 64],
  ['no file', ['jsonl'], 64],
  ['an unknown system', ['slack'], 64],
  ['an invalid date', ['deskpro', '--secret-expires', '31/12/2027'], 64],
  ['a missing file', ['jsonl', '/nowhere/in.jsonl'], 66],
  ['a folder', ['jsonl', '/'], 66],
  ['no vault', ['jsonl', '-', '--address', '127.0.0.1:9'], 69],
  ['a report that cannot be written', ['jsonl', '-', '--report', '/nowhere/report'], 73],
  ['--help', ['jsonl', '--help'], 0],
])('%s has its exit code, and a message', async (_, args, code) => {
  const result = await runImport(args);

  expect(result.code).toBe(code);
  expect(result.stdout + result.stderr).toMatch(/\S/);
  expect(result.stderr).not.toContain('    at ');
});
