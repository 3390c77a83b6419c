import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { KnownCertificate } from '../../src/model/authenticated_caller.ts';
import type { ClientCertificate } from '../../src/model/client_certificate.ts';
import { createCredentialsAuthenticator } from '../../src/rpc/pipeline/credentials_authenticator.ts';
import { createLoopbackAuthenticator } from '../../src/rpc/pipeline/loopback_authenticator.ts';
import { makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { caller, clock, NOW, openIssuers } from './stage.ts';

const ROOT = new X509Certificate(makeAuthority('root').pem);
const trust = { current: new Map([['spiffe://acme.example', [ROOT]]]), listen: () => () => {} };
const SUBJECT = 'spiffe://acme.example/mail';
const mail: KnownCertificate = {
  subject: SUBJECT,
  caller: { id: 'mail', kind: 'certificate', credentialId: 'pod', expireTime: undefined, rules: [] },
};
const ops = caller('ops', 'operator', '*');
const OPS = `Bearer ${ops.key}`;
const valid: ClientCertificate = {
  subject: SUBJECT,
  fault: undefined,
  authority: ROOT.fingerprint256,
  expireTime: NOW + 1_000,
};
const unauthenticated = expect.objectContaining({ reason: 'UNAUTHENTICATED' });

function authenticator() {
  const issuers = openIssuers(clock);
  const current = { keys: [ops.known], certificates: [mail], tokens: [], issuers: [], sha256: '' };
  return createCredentialsAuthenticator({ current, listen: () => () => {} }, issuers, trust, clock);
}

describe('a client certificate', () => {
  test('authenticates the caller that has its name, until it expires', () => {
    const { authenticate } = authenticator();
    expect(authenticate({ authorization: undefined, certificate: valid })).toEqual({
      ...mail.caller,
      expireTime: NOW + 1_000,
    });
    const expired = { ...valid, expireTime: NOW };
    expect(() => authenticate({ authorization: undefined, certificate: expired })).toThrow(unauthenticated);
  });

  test('of an unknown name authenticates nobody, but may carry an API key', async () => {
    const { authenticate } = authenticator();
    const mesh = { ...valid, subject: 'spiffe://acme.example/other' };
    expect(() => authenticate({ authorization: undefined, certificate: mesh })).toThrow(unauthenticated);
    expect((await authenticate({ authorization: OPS, certificate: mesh })).id).toBe('ops');
  });
});

describe('a call with a client certificate and an authorization header', () => {
  test('is that of the header, and fails with an invalid one', async () => {
    const { authenticate } = authenticator();
    expect((await authenticate({ authorization: OPS, certificate: valid })).id).toBe('ops');
    for (const authorization of ['', `${OPS}x`, 'Basic b3Bz'])
      expect(() => authenticate({ authorization, certificate: valid })).toThrow(unauthenticated);
  });

  test('fails with a certificate that is not valid', () => {
    const { authenticate } = authenticator();
    for (const certificate of [
      { ...valid, fault: 'It is broken.' },
      { ...valid, expireTime: NOW },
      { ...valid, authority: 'of another CA' },
      { ...valid, subject: 'spiffe://beta.example/mail' },
    ])
      expect(() => authenticate({ authorization: OPS, certificate })).toThrow(unauthenticated);
  });
});

test('a call without a credential is UNAUTHENTICATED', () => {
  const nothing = { authorization: undefined, certificate: undefined };
  expect(() => authenticator().authenticate(nothing)).toThrow(unauthenticated);
});

test('without a callers file a presented credential is an error', () => {
  const { authenticate } = createLoopbackAuthenticator();
  expect(() => authenticate({ authorization: undefined, certificate: valid })).toThrow(unauthenticated);
  expect(() => authenticate({ authorization: OPS, certificate: undefined })).toThrow(unauthenticated);
});
