import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from './certificate.ts';
import { ADA, askToken, codeFor, GRACE, openAuthorize, redeem, redeemCode, refreshTokenOf } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
});
afterAll(() => sandbox.close());

/** As `curl -d` sends it. */
async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

test('GET /sandbox lists the content, the endpoints and the routes', async () => {
  const { body } = await call('GET', '/sandbox');
  expect(body.apps[0].secrets[0].value).toBeTypeOf('string');
  expect(body.users.map(({ username }: { username: string }) => username)).toContain(ADA);
  expect(body.endpoints.token).toContain('/oauth2/v2.0/token');
  expect(body.admin.map(({ path }: { path: string }) => path)).toContain('/sandbox/faults');
});

test('every example body is valid', async () => {
  const { body } = await call('GET', '/sandbox');
  const pem = makeCertificate(Date.now() - 1000, Date.now() + 86_400_000).certificate;
  for (const { method, path, example } of body.admin) {
    if (example === undefined || path.endsWith('/hold')) continue;
    const address = path.replace(':app', ACME_CLIENT_ID).replace(':user', GRACE).replace(':directory', CONTOSO);
    const sent = 'certificate' in example ? { certificate: pem } : example;
    expect([path, (await call(method, address, sent)).status]).toEqual([path, expect.toBeOneOf([200, 204])]);
  }
  await call('DELETE', '/sandbox/faults');
  await call('DELETE', `/sandbox/users/${GRACE}/policy`);
  await call('POST', '/sandbox/clock', { set_ms: Date.now() });
});

test('the clock can be read and moved', async () => {
  const before = (await call('GET', '/sandbox/clock')).body;
  const after = (await call('POST', '/sandbox/clock', { advance_ms: 3_600_000 })).body;
  expect(after.offset - before.offset).toBe(3_600_000);
  expect(sandbox.clock.offset()).toBe(after.offset);
  const set = (await call('POST', '/sandbox/clock', { set_ms: 1_800_000_000_000 })).body;
  expect(set.now - 1_800_000_000_000).toBeLessThan(60_000);
  sandbox.clock.set(Date.now());
});

test('a directory, a user and an app added over HTTP can complete a sign-in', async () => {
  const directory = (await call('POST', '/sandbox/directories', { domain: 'new.example', user_consent: 'legacy' }))
    .body;
  await call('POST', '/sandbox/users', { username: 'nina@new.example' });
  const redirect_uris = ['http://localhost:9/callback'];
  const app = (
    await call('POST', '/sandbox/apps', {
      audience: directory.id,
      directory_id: directory.id,
      redirect_uris,
      secrets: [{ value: 'new-secret' }],
    })
  ).body;
  const uri = { client_id: app.client_id, redirect_uri: redirect_uris[0] };
  const code = await codeFor(sandbox, 'nina@new.example', uri, directory.id);
  expect((await redeemCode(sandbox, code, { ...uri, client_secret: 'new-secret' }, directory.id)).status).toBe(200);

  const { body: secret } = await call('POST', `/sandbox/apps/${app.client_id}/secrets`, {});
  expect((await call('DELETE', `/sandbox/apps/${app.client_id}/secrets/${secret.key_id}`)).status).toBe(204);
  await call('POST', `/sandbox/apps/${app.client_id}/secrets/expire`, { secret: 'new-secret' });
  const expired = await askToken(
    sandbox,
    { ...uri, grant_type: 'refresh_token', refresh_token: 'x', client_secret: 'new-secret' },
    { directory: directory.id },
  );
  expect(expired.body.error_codes).toEqual([7000222]);
});

test('a redirect URI can be added to the seeded app', async () => {
  const redirect_uri = 'http://localhost:7777/back';
  expect((await openAuthorize(sandbox, { redirect_uri, sandbox_auto: ADA })).status).toBe(400);
  await call('POST', `/sandbox/apps/${ACME_CLIENT_ID}/redirect-uris`, { redirect_uri });
  expect((await openAuthorize(sandbox, { redirect_uri, sandbox_auto: ADA })).status).toBe(302);
});

test('users: revoke, disable, policy, consent', async () => {
  const username = 'http@contoso.example';
  await call('POST', '/sandbox/users', { username });
  const issue = async () =>
    (
      await call('POST', '/sandbox/refresh-tokens', {
        client_id: ACME_CLIENT_ID,
        user_object_id: username,
        scopes: 'offline_access Mail.Read',
      })
    ).body.refresh_token;
  const outcome = async (token: string) => (await redeem(sandbox, token, 'Mail.Read')).body.error_codes?.[0] ?? 'ok';
  const first = await issue();
  expect(await outcome(first)).toBe('ok');
  await call('POST', `/sandbox/users/${username}/revoke-sessions`);
  expect(await outcome(first)).toBe(50173);
  const second = await issue();
  await call('POST', `/sandbox/users/${username}/disable`);
  expect(await outcome(second)).toBe(50057);
  await call('POST', `/sandbox/users/${username}/enable`);
  await call('POST', `/sandbox/users/${username}/policy`, { code: 53003 });
  expect(await outcome(second)).toBe(53003);
  await call('DELETE', `/sandbox/users/${username}/policy`);
  await call('POST', `/sandbox/users/${username}/withdraw-consent`, { client_id: ACME_CLIENT_ID });
  expect(await outcome(second)).toBe(65001);
  await call('POST', `/sandbox/directories/${CONTOSO}/admin-consent`, {
    client_id: ACME_CLIENT_ID,
    permissions: ['Mail.Read'],
  });
  expect(await outcome(second)).toBe('ok');
  await call('POST', `/sandbox/directories/${CONTOSO}/withdraw-admin-consent`, {
    client_id: ACME_CLIENT_ID,
    permission: 'Mail.Read',
  });
  expect(await outcome(second)).toBe(65001);
});

test('a gate over HTTP holds a request until it is released', async () => {
  const { id } = (await call('POST', '/sandbox/hold', { stage: 'request' })).body;
  expect((await call('GET', `/sandbox/hold/${id}?wait_ms=1`)).body.arrived).toBe(false);
  const answer = redeem(sandbox, refreshTokenOf(sandbox, ADA, 'Mail.Read'), 'Mail.Read');
  expect((await call('GET', `/sandbox/hold/${id}`)).body.arrived).toBe(true);
  expect((await call('POST', `/sandbox/hold/${id}/release`)).status).toBe(204);
  expect((await answer).status).toBe(200);
});

test('faults, requests and settings', async () => {
  await call('DELETE', '/sandbox/requests');
  await call('POST', '/sandbox/faults', { kind: 'throttle', retry_after: 3, count: 2 });
  expect((await call('GET', '/sandbox/faults')).body).toMatchObject([{ kind: 'throttle', remaining: 2 }]);
  await call('DELETE', '/sandbox/faults');
  await call('POST', '/sandbox/settings', { access_token_lifetime: 120 });
  const { body } = await redeem(sandbox, refreshTokenOf(sandbox, ADA, 'Mail.Read'), 'Mail.Read');
  expect(body.expires_in).toBe(120);
  await call('POST', '/sandbox/settings', { access_token_lifetime: null });
  expect(sandbox.settings.accessTokenLifetime).toBeUndefined();
  const seen = (await call('GET', '/sandbox/requests')).body;
  expect(seen.counts.by_outcome).toEqual({ ok: 1 });
  expect(seen.requests[0]).toMatchObject({ username: ADA, grant: 'refresh_token' });
});

test('invalid bodies, unknown resources and unknown routes have different errors', async () => {
  expect(await call('POST', '/sandbox/faults', { kind: 'earthquake' })).toMatchObject({
    status: 400,
    body: { issues: [{ field: { kind: expect.any(String) } }] },
  });
  expect((await call('POST', '/sandbox/clock', { advance: 1 })).status).toBe(400);
  expect((await call('POST', '/sandbox/users/nobody/disable')).status).toBe(404);
  expect((await call('POST', '/sandbox/users', { username: 'no@where.example' })).status).toBe(404);
  expect((await call('GET', '/sandbox/nothing')).status).toBe(404);
  expect((await fetch(`${sandbox.url}/sandbox/clock`, { method: 'POST', body: '{' })).status).toBe(400);
});
