import { expect, test } from 'vitest';
import { type Credential, NEVER } from '../../src/model/app_credential.ts';
import { DAY } from '../../src/model/clock.ts';
import { rotatedCredential, rotationTime } from '../../src/model/secret_rotation_due.ts';
import { NOW, sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';

const app = sampleApp(sampleTenant());

function secret(id: string, expireTime: number | null, changes: Partial<Credential> = {}): Credential {
  return { ...sampleCredential(app, id, expireTime).credential, verdict: 'VALID', ...changes };
}

function certificate(id: string, changes: Partial<Credential>): Credential {
  return secret(id, NOW + DAY, { kind: 'CERTIFICATE', ...changes });
}

test.each<[string, Credential[], string | undefined]>([
  ['the one that expires last', [secret('a', NOW + 1), secret('b', NOW + 3), secret('c', NOW + 2)], 'b'],
  ['one whose end is not known', [secret('a', NOW + DAY), secret('b', null)], 'b'],
  ['no other kind', [secret('a', NOW + DAY, { kind: 'FEDERATED' })], undefined],
  ['no rejected one', [secret('a', NOW + 2, { verdict: 'REJECTED' }), secret('b', NOW + 1)], 'b'],
  ['no expired one', [secret('a', NOW + 1), secret('b', NOW)], 'a'],
  ['an unusable one, if all are', [secret('a', NOW - 2), secret('b', NOW + 2, { verdict: 'REJECTED' })], 'b'],
  ['a certificate that Entra accepts', [certificate('a', {})], 'a'],
  ['one that Entra accepted once', [certificate('a', { verdict: 'REJECTED', lastUsedTime: NOW - DAY })], 'a'],
  ['no certificate that Entra has not accepted yet', [certificate('a', { verdict: 'UNPROBED' })], undefined],
  ['nothing without a secret', [], undefined],
])('a rotation replaces %s', (_, credentials, expected) => {
  expect(rotatedCredential(credentials, NOW)?.credentialId).toBe(expected);
});

test.each<[string, Credential[], number | undefined]>([
  ['before the end of the secret', [secret('a', NOW + 100 * DAY)], NOW + 70 * DAY],
  ['never without a secret', [], undefined],
  ['never if the end is not known', [secret('a', null)], undefined],
  ['never if the secret does not expire', [secret('a', NEVER)], undefined],
])('a rotation is due %s', (_, credentials, expected) => {
  const rotation = { leadTime: 30 * DAY, secretLife: 180 * DAY };
  expect(rotationTime({ rotation }, credentials, NOW)).toBe(expected);
  expect(rotationTime({ rotation: undefined }, credentials, NOW)).toBeUndefined();
});
