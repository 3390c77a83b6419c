import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { type Scenario, startScenario } from './start_scenario.ts';

const scopes = ['Mail.ReadOnly'];

let scenario: Scenario;
let acme: Onboarded;
let beta: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  acme = await onboard(scenario, 'acme');
  beta = await onboard(scenario, 'beta');
});
afterAll(() => scenario.close());

const ask = (...connections: readonly string[]) =>
  scenario.tokens.batchGetAccessTokens({ requests: connections.map((connection) => ({ connection, scopes })) });

async function metric(series: string): Promise<number> {
  const text = await (await fetch(`http://${scenario.vault.addresses.ops}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

async function metrics() {
  return {
    batches: await metric('tokenvault_calls_total{method="TokenService/BatchGetAccessTokens",status="OK"}'),
    calls: await metric('tokenvault_calls_total{method="TokenService/GetAccessToken",status="OK"}'),
    notFound: await metric(
      'tokenvault_calls_total{method="TokenService/GetAccessToken",status="CONNECTION_NOT_FOUND"}',
    ),
    served: await metric('tokenvault_tokens_served_total{source="CACHE"}'),
    auditGroups: await metric('tokenvault_audit_write_seconds_count'),
    inFlight: await metric('tokenvault_calls_in_flight'),
  };
}

function auditLines() {
  const lines = readFileSync(join(scenario.folder, 'audit.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { n?: number; method?: string; status?: string; resource?: string });
}

test('a batch of two tenants is exchanged, then served from memory, with one write of the audit log', async () => {
  const ids = ['ada', 'bob', 'eve'];
  const names: string[] = [];
  for (const id of ids) names.push(await importAda(scenario, acme, id), await importAda(scenario, beta, id));
  const missing = acme.connection('nobody');

  const first = await ask(...names, missing);
  const before = await metrics();
  const second = await ask(...names, missing);
  const after = await metrics();

  const tokens = first.results.map(({ result }) => (result.case === 'token' ? result.value.accessToken : result.case));
  expect(new Set(tokens).size).toBe(names.length + 1);
  expect(tokens.at(-1)).toBe('error');
  expect(second.results.map(({ result }) => (result.case === 'token' ? result.value.source : result.case))).toEqual([
    ...names.map(() => TokenSource.CACHE),
    'error',
  ]);
  expect(second.results.map(({ result }) => (result.case === 'token' ? result.value.accessToken : 'error'))).toEqual(
    tokens,
  );
  expect(after).toEqual({
    batches: before.batches + 1,
    calls: before.calls + names.length,
    notFound: before.notFound + 1,
    served: before.served + names.length,
    auditGroups: before.auditGroups + 1,
    inFlight: before.inFlight,
  });
  const audited = auditLines().filter(({ method }) => method === 'TokenService/GetAccessToken');
  expect(audited.slice(-names.length - 1).map(({ resource, status }) => [resource, status])).toEqual([
    ...names.map((name) => [name, 'OK']),
    [missing, 'CONNECTION_NOT_FOUND'],
  ]);
});

/** A batch of a cached token of acme and one of beta whose exchange is held until `release`. */
async function heldBatch(id: string) {
  const [cached, slow] = [await importAda(scenario, acme, id), await importAda(scenario, beta, id)];
  await scenario.later(2 * 3_600_000);
  await ask(cached);
  const gate = scenario.sandbox.holdNextToken();
  const results = ask(cached, slow).then(({ results }) =>
    results.map(({ result }) => {
      if (result.case !== 'error') return result.case;
      return /\[(\w+)\]$/.exec(result.value.message)?.[1];
    }),
  );
  await gate.arrived;
  return { cached, results, release: () => gate.release() };
}

test('a cached token is not sent if its connection is suspended while the batch waits', async () => {
  const { cached, results, release } = await heldBatch('suspended');
  await scenario.connections.suspendConnection({ name: cached });
  release();
  expect(await results).toEqual(['CONNECTION_SUSPENDED', 'token']);
});

test('a cached token is not sent if its tenant is contained while the batch waits', async () => {
  const { results, release } = await heldBatch('contained');
  const subject = { subject: { case: 'tenant', value: acme.name } } as const;
  await scenario.containments.contain({ subject, reason: 'Breach' });
  release();
  expect(await results).toEqual(['CONTAINED', 'token']);
  await scenario.containments.lift({ subject, reason: 'Over' });
});

test('equal requests for a token that is not in memory share one exchange', async () => {
  const connection = await importAda(scenario, acme, 'shared');
  await scenario.later(2 * 3_600_000);
  const exchanges = () => scenario.asked(acme.clientId).length;
  const before = exchanges();

  const { results } = await ask(...Array.from({ length: 100 }, () => connection));

  const tokens = results.map(({ result }) => (result.case === 'token' ? result.value.accessToken : result.case));
  expect(tokens).toEqual(tokens.map(() => tokens[0]));
  expect(exchanges()).toBe(before + 1);
});
