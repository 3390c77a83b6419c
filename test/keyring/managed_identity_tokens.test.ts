import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManagedIdentities } from '../../src/keyring/managed_identity_tokens.ts';
import type { AppIdentity } from '../../src/model/managed_identities.ts';
import { type FakeImds, startFakeImds, subjectOf } from './fake_imds.ts';

const WAIT = 60_000;

let imds: FakeImds;
beforeAll(async () => {
  imds = await startFakeImds();
});
afterAll(() => imds.close());

/** The library caches tokens for the process, so each test has an identity of its own. */
function anIdentity({ isAssigned = true, cloud = 'GLOBAL' as AppIdentity['cloud'] } = {}) {
  const identity: AppIdentity = { tenantId: 'acme', cloud, clientId: randomUUID() };
  if (isAssigned) imds.assign(identity.clientId);
  return { identity, identities: createManagedIdentities([identity]) };
}

test('a token is requested once, and then cached', async () => {
  const { identity, identities } = anIdentity();
  const before = imds.issued.length;
  const first = await identities.token(identity, WAIT);
  expect(first.matches(/^[\w-]+\.[\w-]+\.[\w-]+$/)).toBe(true);
  expect((await identities.token(identity, WAIT)).sha256()).toBe(first.sha256());
  expect(imds.issued.length - before).toBe(1);
});

test.each([
  ['GLOBAL', 'api://AzureADTokenExchange'],
  ['US_GOV', 'api://AzureADTokenExchangeUSGov'],
  ['CHINA', 'api://AzureADTokenExchangeChina'],
] as const)('in cloud %s the app must trust the audience %s', async (cloud, audience) => {
  const { identity, identities } = anIdentity({ cloud });
  expect(await identities.trust(identity, WAIT)).toEqual({
    issuer: imds.issuer,
    subject: subjectOf(identity.clientId),
    audience,
  });
});

test.each([429, 410])('a metadata service that answers %i is asked again', async (status) => {
  const { identity, identities } = anIdentity();
  imds.failures.push(status);
  const before = imds.answered.length;
  await identities.token(identity, WAIT);
  expect(imds.answered.slice(before)).toEqual([status, 200]);
});

test('an identity that is not assigned to the host brings no token, and nothing of the service is quoted', async () => {
  const { identity, identities } = anIdentity({ isAssigned: false });
  await expect(identities.token(identity, WAIT)).rejects.toMatchObject({
    reason: 'KEY_SOURCE_UNAVAILABLE',
    message: expect.stringMatching(/^(?!.*Identity not found).*assigned to the host/),
    retryAfter: 5_000,
  });
});

test.each([
  'opaque',
  'a.%%.c',
  `a.${Buffer.from('7').toString('base64url')}.c`,
  `a.${Buffer.from('{}').toString('base64url')}.c`,
])('a token that names no issuer and subject (%s) says not what to trust', async (token) => {
  const { identity, identities } = anIdentity();
  imds.unreadable = token;
  const trust = identities.trust(identity, WAIT).finally(() => {
    imds.unreadable = undefined;
  });
  await expect(trust).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
});

test('a caller waits no longer than its timeout, and the others share the one request', async () => {
  const { identity, identities } = anIdentity();
  const { promise, resolve } = Promise.withResolvers<void>();
  imds.hanging = promise;
  const before = imds.issued.length;
  const patient = [identities.token(identity, WAIT), identities.token(identity, WAIT)];
  await expect(identities.token(identity, 1)).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  imds.hanging = undefined;
  resolve();
  await Promise.all(patient);
  expect(imds.issued.length - before).toBe(1);
});

test('an identity of another tenant is refused before the metadata service is asked', async () => {
  const { identity, identities } = anIdentity();
  const before = imds.answered.length;
  const foreign = { ...identity, tenantId: 'evil' };
  await expect(identities.token(foreign, WAIT)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  expect(() => identities.check('client_id', foreign)).toThrow('TOKENVAULT_MANAGED_IDENTITIES');
  expect(imds.answered.length).toBe(before);
});
