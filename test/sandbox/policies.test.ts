import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import {
  ADA,
  ALAN,
  askToken,
  codeFor,
  GRACE,
  OUTLOOK,
  openAuthorize,
  redeem,
  redeemCode,
  refreshTokenOf,
} from './client.ts';

const MAIL = 'Mail.Read offline_access';
const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;

let sandbox: Sandbox;
let ada: string;
let grace: string;
let alan: string;
beforeEach(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false, algorithm: 'ES256' });
  ada = refreshTokenOf(sandbox, ADA, `${MAIL} ${IMAP}`);
  grace = refreshTokenOf(sandbox, GRACE, `${MAIL} ${IMAP}`);
  alan = refreshTokenOf(sandbox, ALAN, `${MAIL} ${IMAP}`);
});
afterEach(() => sandbox.close());

async function admin(method: string, path: string, body?: unknown): Promise<number> {
  const options = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  return (await fetch(`${sandbox.url}/sandbox/${path}`, options)).status;
}

const codeOf = async (answer: ReturnType<typeof redeem>) => (await answer).body.error_codes?.[0] ?? 'ok';
const appAlone = (directory: string, scope = 'https://graph.microsoft.com/.default') =>
  codeOf(askToken(sandbox, { grant_type: 'client_credentials', scope }, { directory }));

test('a policy on one resource does not affect other resources or users', async () => {
  expect(await admin('POST', `users/${ADA}/policy`, { code: 53003, resource: OUTLOOK })).toBe(204);
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe(53003);
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe('ok');
  expect(await codeOf(redeem(sandbox, grace, IMAP))).toBe('ok');
  expect(await admin('DELETE', `users/${ADA}/policy?resource=${OUTLOOK}`)).toBe(204);
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe('ok');
});

test('a policy can have any code, and each resource its own', async () => {
  sandbox.requirePolicy(ADA, { code: 530084, resource: OUTLOOK });
  sandbox.requirePolicy(ADA, { code: 50053, error: 'unauthorized_client', resource: 'https://graph.microsoft.com' });
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe(530084);
  const { body } = await redeem(sandbox, ada, 'Mail.Read');
  expect(body).toMatchObject({ error: 'unauthorized_client', error_codes: [50053] });
  sandbox.liftPolicy(ADA);
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe('ok');
});

test('a sign-in satisfies only the policies of the requested resources', async () => {
  sandbox.requirePolicy(ADA, { code: 50076, resource: OUTLOOK });
  await openAuthorize(sandbox, { sandbox_auto: ADA, scope: MAIL });
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe(50076);
  await openAuthorize(sandbox, { sandbox_auto: ADA, scope: `${MAIL} ${IMAP}` });
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe('ok');
});

test('a blocked resource fails at sign-in if it is the first, else at its redemption', async () => {
  sandbox.requirePolicy(ADA, { code: 53003, resource: OUTLOOK });
  const first = await openAuthorize(sandbox, { sandbox_auto: ADA, scope: IMAP });
  expect(first.text).toContain('AADSTS53003');
  const { body } = await redeemCode(sandbox, await codeFor(sandbox, ADA, { scope: `${MAIL} ${IMAP}` }));
  expect(body.token_type).toBe('Bearer');
  expect(await codeOf(redeem(sandbox, body.refresh_token, IMAP))).toBe(53003);
});

test('a resource that is disabled in one directory (500014)', async () => {
  expect(await admin('POST', `directories/${FABRIKAM}/policy`, { code: 500014, resource: OUTLOOK })).toBe(204);
  const { status, body } = await redeem(sandbox, alan, IMAP);
  expect([status, body.error, body.error_codes]).toEqual([400, 'invalid_resource', [500014]]);
  expect(body.error_description).toContain(OUTLOOK);
  expect(await codeOf(redeem(sandbox, alan, 'Mail.Read'))).toBe('ok');
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe('ok');
  expect(await appAlone(FABRIKAM, `${OUTLOOK}/.default`)).toBe(500014);
  expect(await appAlone(FABRIKAM)).toBe('ok');
  const { location } = await openAuthorize(sandbox, { sandbox_auto: ALAN, scope: IMAP });
  expect(location?.searchParams.get('error')).toBe('invalid_resource');
  await admin('DELETE', `directories/${FABRIKAM}/policy`);
  expect(await codeOf(redeem(sandbox, alan, IMAP))).toBe('ok');
});

test('an app that was removed from one directory (70001), whatever its secret', async () => {
  sandbox.requireDirectoryPolicy(FABRIKAM, { code: 70001, clientId: ACME_CLIENT_ID });
  const wrong = { grant_type: 'refresh_token', refresh_token: alan, client_secret: 'wrong' };
  const { status, body } = await askToken(sandbox, wrong);
  expect([status, body.error, body.error_codes]).toEqual([400, 'unauthorized_client', [70001]]);
  expect(await appAlone(FABRIKAM)).toBe(70001);
  expect(await appAlone(CONTOSO)).toBe('ok');
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe('ok');
});

test('a sign-in satisfies a policy of the directory for that user only', async () => {
  sandbox.requireDirectoryPolicy(CONTOSO, { code: 50076 });
  await openAuthorize(sandbox, { sandbox_auto: ADA, scope: MAIL });
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe('ok');
  expect(await codeOf(redeem(sandbox, grace, 'Mail.Read'))).toBe(50076);
});

test('a deleted account fails with 500341, and can be restored', async () => {
  expect(await admin('DELETE', `users/${ADA}`)).toBe(204);
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe(500341);
  expect((await openAuthorize(sandbox, { sandbox_auto: ADA })).text).toContain('AADSTS500341');
  expect((await openAuthorize(sandbox, {})).text).not.toContain(ADA);
  expect(await admin('POST', `users/${ADA}/restore`)).toBe(204);
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe('ok');
});
