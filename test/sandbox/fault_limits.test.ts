import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, ALAN, askToken, codeFor, GRACE, OUTLOOK, redeem, redeemCode, refreshTokenOf } from './client.ts';

const MAIL = 'Mail.Read offline_access';
const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;

let sandbox: Sandbox;
let ada: string;
let grace: string;
let alan: string;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  ada = refreshTokenOf(sandbox, ADA, `${MAIL} ${IMAP}`);
  grace = refreshTokenOf(sandbox, GRACE, MAIL);
  alan = refreshTokenOf(sandbox, ALAN, MAIL);
});
beforeEach(() => {
  sandbox.clearFaults();
  sandbox.clearRequests();
});
afterAll(() => sandbox.close());

async function admin(method: string, path: string, body?: unknown) {
  const response = await fetch(`${sandbox.url}/sandbox/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const codeOf = async (answer: ReturnType<typeof redeem>) => (await answer).body.error_codes?.[0] ?? 'ok';

test('a fault lasts until it is removed, which leaves the others', async () => {
  const lasting = await admin('POST', 'faults', { kind: 'error', code: 53003, until_removed: true, user: ADA });
  await admin('POST', 'faults', { kind: 'error', code: 50057, until_removed: true, user: GRACE });
  for (let turn = 0; turn < 5; turn += 1) expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe(53003);
  expect((await admin('DELETE', `faults/${lasting.body.id}`)).status).toBe(204);
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe('ok');
  expect(await codeOf(redeem(sandbox, grace, 'Mail.Read'))).toBe(50057);
  expect((await admin('DELETE', `faults/${lasting.body.id}`)).status).toBe(404);
  expect((await admin('DELETE', 'faults')).status).toBe(204);
  expect(await codeOf(redeem(sandbox, grace, 'Mail.Read'))).toBe('ok');
});

test.each([CONTOSO, 'contoso.example'])('limited to directory %s: affects its users, also at common', async (name) => {
  sandbox.injectFault({ kind: 'error', code: 90093, directory: name, untilRemoved: true });
  const codes = [ada, grace, alan].map((token) => codeOf(redeem(sandbox, token, 'Mail.Read')));
  expect(await Promise.all(codes)).toEqual([90093, 90093, 'ok']);
  expect(await codeOf(redeem(sandbox, alan, 'Mail.Read', { directory: FABRIKAM }))).toBe('ok');
  const app = { grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' };
  expect(await codeOf(askToken(sandbox, app, { directory: CONTOSO }))).toBe(90093);
  expect(await codeOf(redeemCode(sandbox, await codeFor(sandbox, ADA)))).toBe(90093);
});

test('limited to the authority in the address', async () => {
  sandbox.injectFault({ kind: 'error', code: 7000012, authority: 'common', untilRemoved: true });
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe(7000012);
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read', { directory: CONTOSO }))).toBe('ok');
});

test('limited to one resource of one user', async () => {
  sandbox.injectFault({ kind: 'error', code: 50076, resource: OUTLOOK, user: ADA, untilRemoved: true });
  expect(await codeOf(redeem(sandbox, ada, `openid ${IMAP}`))).toBe(50076);
  expect(await codeOf(redeem(sandbox, ada, 'openid Mail.Read'))).toBe('ok');
  sandbox.clearFaults();
  sandbox.injectFault({ kind: 'error', code: 50076, resource: 'https://graph.microsoft.com/', untilRemoved: true });
  expect(await codeOf(redeem(sandbox, ada, IMAP))).toBe('ok');
  expect(await codeOf(redeem(sandbox, grace, 'Mail.Read'))).toBe(50076);
});

test('limited to one credential, by its key id or its value', async () => {
  const { keyId, value } = sandbox.addSecret(ACME_CLIENT_ID);
  const withSecret = () => askToken(sandbox, { grant_type: 'refresh_token', refresh_token: ada, client_secret: value });
  for (const credential of [keyId, value]) {
    sandbox.injectFault({ kind: 'error', code: 7000222, credential, untilRemoved: true });
    expect(await codeOf(withSecret())).toBe(7000222);
    expect(await codeOf(redeem(sandbox, ada))).toBe('ok');
    sandbox.clearFaults();
  }
  expect(sandbox.requests()[0]).toMatchObject({ credential: keyId });
});

test('limited to a client id and a grant', async () => {
  const other = sandbox.addApp({ secrets: [{ value: 'other-secret' }] });
  const token = refreshTokenOf(sandbox, ADA, MAIL, other.clientId);
  sandbox.injectFault({ kind: 'error', code: 50105, app: other.clientId, grant: 'refresh_token', untilRemoved: true });
  const client = { client_id: other.clientId, client_secret: 'other-secret' };
  expect(await codeOf(askToken(sandbox, { ...client, grant_type: 'refresh_token', refresh_token: token }))).toBe(50105);
  expect(await codeOf(redeem(sandbox, ada, 'Mail.Read'))).toBe('ok');
  const scope = 'https://graph.microsoft.com/.default';
  const app = { ...client, grant_type: 'client_credentials', scope };
  expect(await codeOf(askToken(sandbox, app, { directory: other.directoryId }))).toBe('ok');
});

test('the description of a fault has the affected user', async () => {
  sandbox.injectFault({ kind: 'error', code: 500014, resource: OUTLOOK });
  const { body } = await redeem(sandbox, ada, IMAP);
  expect(body.error_description).toContain(`service principal for resource '${OUTLOOK}' is disabled`);
});

test('the list of requests has endpoint, user, resource and outcome', async () => {
  await askToken(sandbox, { grant_type: 'refresh_token', refresh_token: ada, scope: IMAP, claims: '{}' });
  await redeem(sandbox, alan, 'Mail.Read https://unknown.example/x');
  const { body } = await admin('GET', 'requests');
  expect(body.requests).toMatchObject([
    {
      grant: 'refresh_token',
      client_id: ACME_CLIENT_ID,
      username: ADA,
      directory: 'common',
      directory_id: CONTOSO,
      resource: OUTLOOK,
      scope: IMAP,
      has_claims: true,
      outcome: 'ok',
    },
    { username: ALAN, directory_id: FABRIKAM, scope: 'Mail.Read https://unknown.example/x', outcome: '500011' },
  ]);
  expect(body.requests[1].has_claims).toBe(false);
});
