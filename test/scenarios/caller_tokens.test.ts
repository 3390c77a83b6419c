import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AccessService, WhoAmIResponse_CredentialKind } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { StatusService } from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { type FakeIssuer, startFakeIssuer } from '../caller_tokens/fake_issuer.ts';
import { callersFileOf } from './callers_file.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** A loaded machine needs more than the second of the default. */
const PATIENT = { timeout: 20_000 };
const ISSUER = 'https://cluster.example';
const operator = { id: 'operator', ...newApiKey('operator'), rules: [{ role: 'operator', tenants: ['*'] }] };
const pod = {
  id: 'pod',
  tokens: [{ id: 't1', issuer: 'cluster', namespace: 'mail', service_account: 'sync' }],
  rules: [{ role: 'operator', tenants: ['*'] }],
};

let host: FakeIssuer;
let scenario: Scenario;
let file: string;

const write = (callers: readonly (typeof pod)[]) =>
  writeFileSync(
    file,
    callersFileOf({
      issuers: [
        {
          id: 'cluster',
          kind: 'kubernetes',
          issuer: ISSUER,
          audiences: ['token-vault'],
          algorithms: ['ES256'],
          jwks: { url: host.jwksUrl, ca_file: `${file}.ca`, token_file: `${file}.token` },
        },
      ],
      callers: [operator, ...callers],
    }),
  );

beforeAll(async () => {
  host = await startFakeIssuer({ tls: true });
  // The start does not wait for it.
  host.answer = 'hang';
  const environment = {
    get CALLERS_FILE() {
      return file;
    },
  };
  scenario = await startScenario({
    environment,
    prepare(folder) {
      file = join(folder, 'callers.yaml');
      writeFileSync(`${file}.ca`, host.ca);
      writeFileSync(`${file}.token`, 'token-of-the-vault');
      write([pod]);
    },
  });
});
afterAll(async () => {
  await scenario.close();
  await host.close();
});

const now = () => Math.floor(scenario.sandbox.clock.now() / 1_000);

async function tokenOf(subject = 'system:serviceaccount:mail:sync'): Promise<string> {
  return host.sign({ iss: ISSUER, aud: ['token-vault'], sub: subject, iat: now(), exp: now() + 3_600 });
}

async function outcome(apiKey: string): Promise<string> {
  const client = createClient(StatusService, scenario.vault.addresses.admin, { apiKey });
  return reasonOf(client.getStatus({})).finally(() => client.close());
}

async function ops(path: string): Promise<string> {
  return (await fetch(`http://${scenario.vault.addresses.ops}${path}`)).text();
}

test('a vault starts while a JWKS host hangs, and serves the tokens once it answers', async () => {
  expect(await ops('/readyz')).toContain('serving: ok');
  expect(await outcome(operator.key)).toBe('OK');
  await expect.poll(() => host.requests.length, PATIENT).toBe(1);
  expect(host.requests).toEqual(['Bearer token-of-the-vault']);

  host.drop();
  await expect.poll(() => ops('/readyz'), PATIENT).toContain('token_issuers: degraded');
  expect(await ops('/metrics')).toContain('tokenvault_token_issuer_keys_unavailable{issuer="cluster"} 1');
  expect(await outcome(await tokenOf())).toBe('KEY_SOURCE_UNAVAILABLE');
});

test('a restarted vault accepts a token, describes its caller, and forgets it with the callers file', async () => {
  host.answer = 'keys';
  await scenario.restart();
  const token = await tokenOf();

  expect(await outcome(token)).toBe('OK');
  expect(await ops('/readyz')).toContain('token_issuers: ok');
  expect(await ops('/metrics')).toContain('tokenvault_token_issuer_keys_unavailable{issuer="cluster"} 0');
  const client = createClient(AccessService, scenario.vault.addresses.grpc, { apiKey: token });
  const who = await client.whoAmI({});
  expect(who).toMatchObject({ caller: 'pod', credential: 't1', credentialKind: WhoAmIResponse_CredentialKind.TOKEN });
  expect(Number(who.credentialExpireTime?.seconds)).toBeGreaterThan(now());
  client.close();
  expect(await outcome(await tokenOf('system:serviceaccount:mail:other'))).toBe('UNAUTHENTICATED');

  write([]);
  await expect.poll(() => outcome(token), PATIENT).toBe('UNAUTHENTICATED');
});
