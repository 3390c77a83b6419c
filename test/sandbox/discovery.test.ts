import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { ADA, redeem, refreshTokenOf } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const read = async (address: string) => JSON.parse(await (await fetch(address)).text());

test('the metadata has working endpoints, and keys that verify the tokens', async () => {
  const metadata = await read(`${sandbox.url}/contoso.example/v2.0/.well-known/openid-configuration`);
  expect(metadata.issuer).toBe(`${sandbox.url}/${CONTOSO}/v2.0`);
  expect(metadata.token_endpoint).toBe(`${sandbox.url}/contoso.example/oauth2/v2.0/token`);
  const keys = createLocalJWKSet(await read(metadata.jwks_uri));
  const { body } = await redeem(sandbox, refreshTokenOf(sandbox, ADA, 'openid profile'), 'openid profile');
  const { payload, protectedHeader } = await jwtVerify(body.id_token, keys, {
    issuer: metadata.issuer,
    audience: ACME_CLIENT_ID,
  });
  expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'kid', 'typ']);
  expect([protectedHeader.alg, payload['preferred_username']]).toEqual(['RS256', ADA]);
});

test('the keys have their issuer, and instance discovery has this cloud', async () => {
  const { keys } = await read(`${sandbox.url}/contoso.example/discovery/v2.0/keys`);
  expect(keys[0].issuer).toBe(`${sandbox.url}/${CONTOSO}/v2.0`);
  const instances = await read(`${sandbox.url}/common/discovery/instance?api-version=1.1`);
  expect(instances.metadata).toMatchObject([{ preferred_network: new URL(sandbox.url).host }]);
  const metadata = await read(instances.tenant_discovery_endpoint);
  expect(metadata.device_authorization_endpoint).toContain('/common/oauth2/v2.0/devicecode');
});

test('at /common the issuer is a template, and an unknown directory is an error', async () => {
  const metadata = await read(`${sandbox.url}/common/v2.0/.well-known/openid-configuration`);
  expect(metadata.issuer).toBe(`${sandbox.url}/{tenantid}/v2.0`);
  expect(await read(`${sandbox.url}/nowhere/v2.0/.well-known/openid-configuration`)).toMatchObject({
    error: 'invalid_tenant',
    error_codes: [90002],
  });
});
