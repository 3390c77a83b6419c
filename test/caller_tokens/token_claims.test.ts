import fc from 'fast-check';
import type { JWTPayload } from 'jose';
import { describe, expect, test } from 'vitest';
import { tokenClaimsFault } from '../../src/caller_tokens/check_token_claims.ts';
import { findTokenSubject } from '../../src/caller_tokens/find_token_subject.ts';
import { claimedIdentity, parsePresentedToken } from '../../src/caller_tokens/parse_presented_token.ts';
import type { EntraIssuer, SpiffeIssuer } from '../../src/model/token_issuer.ts';
import { atUrl, CLUSTER, clusterIssuer } from './fixtures.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const SECONDS = NOW / 1_000;
const HOUR = 3_600;

const cluster = clusterIssuer(atUrl('https://cluster.example/jwks'));
const { audiences, algorithms, jwks } = cluster;
const DIRECTORY = 'd0000000-0000-4000-8000-000000000001';
const APP = 'a0000000-0000-4000-8000-000000000001';
const entra: EntraIssuer = {
  id: 'entra',
  kind: 'entra',
  directoryId: DIRECTORY,
  cloud: 'GLOBAL',
  audiences,
  algorithms,
  jwks,
};
const spire: SpiffeIssuer = {
  id: 'spire',
  kind: 'spiffe',
  trustDomain: 'example.org',
  issuer: undefined,
  audiences,
  algorithms,
  jwks,
};

describe('the times and the audience of a token', () => {
  const good = { aud: 'token-vault', iat: SECONDS, exp: SECONDS + HOUR };

  test.each([
    ['is valid', good, undefined],
    ['is valid without iat', { aud: 'token-vault', exp: SECONDS + HOUR }, undefined],
    ['is valid up to the difference of clocks', { ...good, nbf: SECONDS + 60, exp: SECONDS - 59 }, undefined],
    ['has no expiry', { aud: 'token-vault' }, 'no_expiry'],
    ['has an expiry that is no number', { ...good, exp: '9999999999' }, 'form'],
    ['has an infinite expiry', { ...good, exp: Number.POSITIVE_INFINITY }, 'form'],
    ['has expired', { ...good, exp: SECONDS - 60 }, 'expired'],
    ['is not valid yet', { ...good, nbf: SECONDS + 61 }, 'not_yet_valid'],
    ['is valid for more than a day', { ...good, exp: SECONDS + 24 * HOUR + 1 }, 'lifetime'],
    [
      'is valid for more than a day from now, without iat',
      { aud: 'token-vault', exp: SECONDS + 25 * HOUR },
      'lifetime',
    ],
    [
      'hides a long life by an iat in the future',
      { ...good, iat: SECONDS + 99 * HOUR, exp: SECONDS + 100 * HOUR },
      'lifetime',
    ],
    ['hides a long life by an old iat', { ...good, iat: SECONDS - 24 * HOUR, exp: SECONDS + 1 }, 'lifetime'],
    ['is for another audience', { ...good, aud: 'other' }, 'audience'],
    ['is for another audience too', { ...good, aud: ['token-vault', 'other'] }, 'audience'],
    ['is for nobody', { ...good, aud: [] }, 'audience'],
    ['has no audience', { exp: SECONDS + HOUR }, 'audience'],
  ])('of one that %s', (_, claims, fault) => {
    expect(tokenClaimsFault(claims as JWTPayload, cluster, NOW)).toBe(fault);
  });

  test('never accept a token beyond a day from now, or after its expiry', () => {
    const time = fc.option(fc.integer({ min: SECONDS - 100 * HOUR, max: SECONDS + 100 * HOUR }), { nil: undefined });
    fc.assert(
      fc.property(time, time, time, (exp, iat, nbf) => {
        const fault = tokenClaimsFault(
          { aud: 'token-vault', ...(exp && { exp }), ...(iat && { iat }), ...(nbf && { nbf }) },
          cluster,
          NOW,
        );
        if (fault !== undefined) return;
        expect(exp).toBeGreaterThan(SECONDS - 60);
        expect(exp).toBeLessThanOrEqual(SECONDS + 24 * HOUR);
        expect(nbf ?? 0).toBeLessThanOrEqual(SECONDS + 60);
      }),
    );
  });
});

describe('the subject of a token', () => {
  const account = { sub: 'system:serviceaccount:mail:sync' };
  const described = (namespace: unknown, name: unknown) => ({
    'kubernetes.io': { namespace, serviceaccount: { name } },
  });

  test.each([
    ['of a service account', account, { subject: account.sub }],
    ['with an equal description', { ...account, ...described('mail', 'sync') }, { subject: account.sub }],
    ['with another namespace in its description', { ...account, ...described('other', 'sync') }, { fault: 'subject' }],
    ['with another name in its description', { ...account, ...described('mail', 'other') }, { fault: 'subject' }],
    ['with a broken description', { ...account, 'kubernetes.io': 'mail' }, { fault: 'subject' }],
    ['of a node', { sub: 'system:node:one' }, { fault: 'subject' }],
    ['with further parts', { sub: 'system:serviceaccount:mail:sync:x' }, { fault: 'subject' }],
    ['that is missing', {}, { fault: 'subject' }],
  ])('of Kubernetes %s', (_, claims, found) => {
    expect(findTokenSubject(claims as JWTPayload, cluster)).toEqual(found);
  });

  const v1 = `https://sts.windows.net/${DIRECTORY}/`;
  const v2 = `https://login.microsoftonline.com/${DIRECTORY}/v2.0`;
  const own = { iss: v2, tid: DIRECTORY, oid: 'o-1', sub: 'o-1', azp: APP };
  const { azp: _, ...withoutApp } = own;

  test.each([
    ['version 2', own, { subject: APP }],
    ['version 1', { ...withoutApp, iss: v1, appid: APP.toUpperCase() }, { subject: APP }],
    ['an app by idtyp', { ...own, sub: 's-1', idtyp: 'app' }, { subject: APP }],
    ['a user', { ...own, sub: 's-1', scp: 'Tokens.Read' }, { fault: 'user' }],
    ['a user whose scopes are missing', { ...own, sub: 's-1' }, { fault: 'user' }],
    ['a user by idtyp', { ...own, idtyp: 'user' }, { fault: 'user' }],
    ['scopes beside idtyp app', { ...own, idtyp: 'app', scp: 'x' }, { fault: 'user' }],
    ['neither oid nor sub', { iss: v2, tid: DIRECTORY, azp: APP }, { fault: 'user' }],
    ['another directory', { ...own, tid: 'd0000000-0000-4000-8000-000000000002' }, { fault: 'issuer' }],
    ['no directory', { ...own, tid: undefined }, { fault: 'issuer' }],
    ['two apps', { ...own, appid: 'a0000000-0000-4000-8000-000000000002' }, { fault: 'subject' }],
    ['the app of version 1 in version 2', { ...withoutApp, appid: APP }, { fault: 'subject' }],
    ['no app', withoutApp, { fault: 'subject' }],
  ])('of Entra with %s', (_, claims, found) => {
    expect(findTokenSubject(claims as JWTPayload, entra)).toEqual(found);
  });

  test.each([
    ['spiffe://example.org/mail/sync', { subject: 'spiffe://example.org/mail/sync' }],
    ['spiffe://other.org/mail/sync', { fault: 'subject' }],
    ['spiffe://example.org', { fault: 'subject' }],
    ['spiffe://example.org/a/../b', { fault: 'subject' }],
    ['spiffe://example.org.other.org/mail', { fault: 'subject' }],
    [undefined, { fault: 'subject' }],
  ])('of SPIRE: %s', (sub, found) => {
    expect(findTokenSubject(sub === undefined ? {} : { sub }, spire)).toEqual(found);
  });
});

describe('a presented token', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const compact = (header: unknown, claims: unknown) => `${encode(header)}.${encode(claims)}.AAAA`;

  test('is parsed without an exception, whatever it is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.jsonValue(), fc.jsonValue()).map(([header, claims]) => compact(header, claims)),
      fc.tuple(fc.base64String(), fc.base64String()).map(([one, other]) => `${one}.${other}.AAAA`),
    );
    fc.assert(
      fc.property(text, (presented) => {
        parsePresentedToken(presented);
        claimedIdentity(presented);
      }),
    );
  });

  test('without a key id, or with critical extensions, is refused', () => {
    expect(parsePresentedToken(compact({ alg: 'ES256' }, {}))).toBe('form');
    expect(parsePresentedToken(compact({ alg: 'ES256', kid: 'k1', crit: ['exp'] }, {}))).toBe('critical_header');
    expect(parsePresentedToken(compact({ alg: 'ES256', kid: 'k1' }, { a: 'x'.repeat(8_192) }))).toBe('size');
    expect(parsePresentedToken(`${compact({ alg: 'ES256', kid: 'k1' }, {})}.AAAA.AAAA`)).toBe('form');
  });

  test('claims an issuer and a subject for the log, if both are short and printable', () => {
    const claimed = (claims: object) => claimedIdentity(compact({ alg: 'none', kid: 'k1' }, claims));

    expect(claimed({ iss: CLUSTER, sub: 's' })).toEqual({ issuer: CLUSTER, subject: 's' });
    expect(claimed({ iss: CLUSTER, sub: 's', azp: APP })).toEqual({ issuer: CLUSTER, subject: APP });
    expect(claimed({ sub: 'spiffe://example.org/a' })).toEqual({
      issuer: 'spiffe://example.org',
      subject: 'spiffe://example.org/a',
    });
    expect(claimed({ iss: CLUSTER, sub: 'a\nb' })).toBeUndefined();
    expect(claimed({ iss: 'x'.repeat(257), sub: 's' })).toBeUndefined();
    expect(claimed({ iss: CLUSTER, sub: { a: 1 } })).toBeUndefined();
    expect(claimedIdentity('Bearer')).toBeUndefined();
  });
});
