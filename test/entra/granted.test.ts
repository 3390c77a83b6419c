import { expect, test } from 'vitest';
import { readGranted } from '../../src/entra/exchange/parse_granted_token.ts';
import { HOUR, SECOND } from '../../src/model/clock.ts';
import { GRAPH, NOW } from './fixtures.ts';
import { aResponse } from './responses.ts';
import { idToken, tokenBody } from './token_endpoint.ts';

const OUTLOOK = 'https://outlook.office.com';

function read(body: Record<string, unknown>, resource = GRAPH, random = 0.5) {
  const answer = aResponse({ status: 200, body: tokenBody(body) });
  return readGranted(answer, { resource, graph: GRAPH, scopes: [`${GRAPH}/Mail.Read`], random: () => random });
}

test('permissions are canonical, sorted, and only those of the resource', () => {
  const scope = `openid email ${GRAPH}/Mail.Send User.Read mail.send profile ${OUTLOOK}/SMTP.Send offline_access`;
  expect(read({ scope }).accessToken.permissions).toEqual(['Mail.Send', 'User.Read']);
  expect(read({ scope }, OUTLOOK).accessToken.permissions).toEqual(['SMTP.Send']);
});

test.each([
  ['https://database.windows.net/', 'https://database.windows.net//user_impersonation', 'user_impersonation'],
  ['https://database.windows.net/', 'https://database.windows.net/user_impersonation', 'user_impersonation'],
  [OUTLOOK, 'https://outlook.office365.com/IMAP.AccessAsUser.All', 'IMAP.AccessAsUser.All'],
  ['11111111-1111-4111-8111-111111111111', 'api://own-api/access_as_user', 'access_as_user'],
])('permissions of %s are read from %s', (resource, scope, permission) => {
  expect(read({ scope: `${scope} ${resource}/.default User.Read` }, resource).accessToken.permissions).toEqual([
    permission,
  ]);
});

test('a response without a scope grants the requested scopes', () => {
  expect(read({ scope: undefined }).accessToken.permissions).toEqual(['Mail.Read']);
});

test.each([undefined, 'soon', -1, Number.NaN, 1e12, {}])('an invalid lifetime (%s) counts as expired', (expires_in) => {
  expect(read({ expires_in }).accessToken.expireTime).toBe(NOW);
});

test('a lifetime in text counts from the time of sending, less 30 s', () => {
  expect(read({ expires_in: '3599' }).accessToken.expireTime).toBe(NOW + 3599 * SECOND - 30 * SECOND);
});

test('is refreshed after 80 % of its lifetime, plus or minus a tenth, or at Entra’s time', () => {
  expect(read({}, GRAPH, 0).accessToken.refreshTime).toBeCloseTo(NOW + 0.72 * HOUR, -1);
  expect(read({}, GRAPH, 1).accessToken.refreshTime).toBeCloseTo(NOW + 0.88 * HOUR, -1);
  expect(read({ refresh_in: 1800 }).accessToken.refreshTime).toBe(NOW + HOUR / 2);
  expect(read({ refresh_in: 7200 }).accessToken.refreshTime).toBeCloseTo(NOW + 0.8 * HOUR, -1);
});

test('without a refresh token, or with an empty one, the old one stays valid', () => {
  expect(read({ refresh_token: undefined }).refreshToken).toBeUndefined();
  expect(read({ refresh_token: '' }).refreshToken).toBeUndefined();
});

test.each([undefined, 'nonsense', 'a.b.c', idToken({ tid: 'dir' }), 7])(
  'an id_token without an account (%s) gives no account',
  (id_token) => {
    expect(read({ id_token }).account).toBeUndefined();
  },
);
