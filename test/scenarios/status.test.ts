import { hash } from 'node:crypto';
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReadinessCheck_State as State, StatusService } from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { DAY } from '../../src/model/clock.ts';
import { type Client, createClient } from '../../src/rpc/grpc_client.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { callersFile } from './callers_file.ts';
import { onboard } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const keys = { operator: newApiKey('operator'), ofAcme: newApiKey('of-acme'), reader: newApiKey('reader') };

const callers = callersFile(
  { id: 'operator', ...keys.operator, rules: [{ role: 'operator', tenants: ['*'] }] },
  { id: 'of-acme', ...keys.ofAcme, rules: [{ role: 'operator', tenants: ['acme'] }] },
  { id: 'reader', ...keys.reader, rules: [{ role: 'token_reader', tenants: ['*'] }] },
);

let scenario: Scenario;
let status: Client<typeof StatusService>;
beforeAll(async () => {
  let file = '';
  const environment = {
    get CALLERS_FILE() {
      return file;
    },
  };
  scenario = await startScenario({
    environment,
    seams: { version: '1.2.3' },
    prepare(folder) {
      file = join(folder, 'callers.yaml');
      writeFileSync(file, callers);
    },
  });
  status = by(keys.operator.key);
});
afterAll(async () => {
  status.close();
  await scenario.close();
});

function by(apiKey: string): Client<typeof StatusService> {
  return createClient(StatusService, scenario.vault.addresses.admin, { apiKey });
}

const newestMigration = readdirSync('drizzle/sqlite')
  .filter((name) => name.endsWith('.sql'))
  .toSorted()
  .at(-1)
  ?.slice(0, -'.sql'.length);

test('a vault alone with its database shows itself, as the leader of each job', async () => {
  const answer = await status.getStatus({});

  expect(answer).toMatchObject({
    version: '1.2.3',
    ready: true,
    database: { product: 'SQLite', version: expect.stringMatching(/^3\./), migration: newestMigration },
    unread: [],
  });
  expect(answer.checks.map(({ name, state }) => [name, state])).toEqual([
    ['storage', State.OK],
    ['audit', State.OK],
    ['callers', State.OK],
    ['token_issuers', State.OK],
    ['contained', State.OK],
    ['serving', State.OK],
  ]);
  expect(answer.callersFile?.sha256).toBe(hash('sha256', callers, 'hex'));
  expect(answer.replicas).toMatchObject([{ name: answer.replica, version: '1.2.3', changesBehind: 0n }]);
  expect(answer.replica).toMatch(new RegExp(`-${process.pid}$`));
  expect(answer.changesFeed).toBeUndefined();
  expect(answer.leaders.map(({ job }) => job)).toContain('background_jobs');
  expect(new Set(answer.leaders.map(({ replica }) => replica))).toEqual(new Set([answer.replica]));
  expect(answer.rootKeys?.ids).toEqual([expect.stringMatching(/^[0-9a-f]+$/)]);
});

test('the credentials of all tenants that expire next are listed by name, without the expired ones', async () => {
  const clients = scenario.clients({ apiKey: keys.operator.key });
  const now = scenario.sandbox.clock.now();
  for (const [tenantId, days] of [
    ['acme', 20],
    ['beta', 10],
    ['gamma', 1],
  ] as const) {
    const app = { secretExpireTime: timestampFromMs(now + days * DAY) };
    await onboard({ ...scenario, tenants: clients.tenants }, tenantId, { app });
  }
  clients.close();
  await scenario.later(2 * DAY);

  const names = async (credentialCount: number) =>
    (await status.getStatus({ credentialCount })).expiringCredentials.map(({ name }) => name);

  expect(await names(0)).toEqual(['beta', 'acme'].map((id) => `tenants/${id}/apps/default/credentials/default`));
  expect(await names(1)).toHaveLength(1);
  expect(await reasonOf(status.getStatus({ credentialCount: -1 }))).toBe('FIELD_INVALID');
});

test('the status page of the ops listener shows the same, and an app that is failing', async () => {
  const { tenants, close } = scenario.clients({ apiKey: keys.operator.key });
  const { tokens, close: closeReader } = scenario.clients({ apiKey: keys.reader.key });
  const { app } = await onboard({ ...scenario, tenants }, 'refused', {
    app: { secretExpireTime: timestampFromMs(scenario.sandbox.clock.now() + 5 * DAY) },
  });
  const page = async () => (await fetch(`http://${scenario.vault.addresses.ops}/status`)).text();
  const before = await page();
  const { replica, rootKeys, leaders } = await status.getStatus({});
  for (const text of [replica, '1.2.3', rootKeys?.ids[0]?.slice(0, 8) ?? 'none', 'refused/default/default'])
    expect(before).toContain(text);
  for (const { job } of leaders) expect(before).toContain(job.replaceAll('_', ' '));
  expect(before).not.toContain('1 app is failing');

  await scenario.later(6 * DAY);
  const resource = 'https://graph.microsoft.com';
  expect(await reasonOf(tokens.getAppAccessToken({ app, resource, directoryId: CONTOSO }))).toBe(
    'APP_CREDENTIAL_EXPIRED',
  );
  close();
  closeReader();

  expect(await page()).toContain('1 app is failing');
  expect(await page()).toContain('token-vault apps verify refused/default');
});

test('a vault alone with its database is not behind its own changes', async () => {
  const { tenants, close } = scenario.clients({ apiKey: keys.operator.key });
  await tenants.suspendTenant({ name: 'tenants/gamma' });
  close();

  expect((await status.getStatus({})).replicas).toMatchObject([{ changesBehind: 0n }]);
});

test.each([
  ['a token reader', keys.reader.key],
  ['an operator of one tenant', keys.ofAcme.key],
])('%s is refused', async (_, key) => {
  const client = by(key);

  expect(await reasonOf(client.getStatus({}))).toBe('ACCESS_DENIED');
  client.close();
});

test('a vault whose database is gone still answers, and names the check that fails', async () => {
  const file = join(scenario.folder, 'vault.db');
  renameSync(file, `${file}.away`);

  const { ready, checks, replicas } = await status.getStatus({});
  renameSync(`${file}.away`, file);

  expect(ready).toBe(false);
  expect(checks[0]).toMatchObject({
    name: 'storage',
    state: State.FAILING,
    message: expect.stringContaining('Put it back'),
  });
  expect(replicas).toHaveLength(1);
});
