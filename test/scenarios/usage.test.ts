import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AccessService, WhoAmIResponse_CredentialKind as Kind } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { importAda, onboard } from './onboard.ts';
import { type Scenario, startScenario } from './start_scenario.ts';

const HOUR = 3_600_000;

let scenario: Scenario;
let served: string;
let unused: string;
beforeAll(async () => {
  scenario = await startScenario();
  const tenant = await onboard(scenario, 'acme');
  served = await importAda(scenario, tenant, 'served');
  unused = await importAda(scenario, tenant, 'unused');
});
afterAll(() => scenario.close());

const get = async (name: string) => (await scenario.connections.getConnection({ name })).connection;
async function idleSince(time: number): Promise<readonly string[]> {
  const request = { parent: 'tenants/acme', idleSince: timestampFromMs(time) };
  return (await scenario.connections.listConnections(request)).connections.map(({ name }) => name);
}

test('use is written at the end of a process, and changes no etag', async () => {
  const before = await get(served);
  const start = scenario.sandbox.clock.now();
  await scenario.later(2 * HOUR);
  await scenario.tokens.getAccessToken({ connection: served, scopes: ['Mail.ReadOnly'] });
  const etag = (await get(served))?.etag;
  expect(before?.lastServedTime).toBeUndefined();

  await scenario.restart();

  const after = await get(served);
  const time = after?.lastServedTime && timestampMs(after.lastServedTime);
  expect(time).toBeGreaterThanOrEqual(start + 2 * HOUR);
  expect(after?.etag).toBe(etag);
  expect(after?.callers).toMatchObject([{ caller: 'loopback', lastServedTime: after?.lastServedTime }]);
  const never = await get(unused);
  expect([never?.lastServedTime, never?.callers]).toEqual([undefined, []]);
  expect(await idleSince(start + HOUR)).toEqual([unused]);
  expect(await idleSince(start + 3 * HOUR)).toEqual([served, unused]);
  expect(await idleSince(start - HOUR)).toEqual([]);
});

test('ListCallers has the last use of each credential, and the tenants of its tokens', async () => {
  await scenario.restart();
  const access = createClient(AccessService, scenario.vault.addresses.admin);

  const { callers } = await access.listCallers({});
  access.close();

  expect(callers).toMatchObject([
    { caller: 'loopback', tenants: 1, contained: false, credentials: [{ credential: 'none', kind: Kind.LOOPBACK }] },
  ]);
  expect(callers[0]?.lastUseTime).toEqual(callers[0]?.credentials[0]?.lastUseTime);
  expect(callers[0]?.lastUseTime).toBeDefined();
});
