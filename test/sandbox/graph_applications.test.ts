import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from './certificate.ts';
import { askToken, callGraph } from './client.ts';

const DAY = 86_400_000;
const OWNED_BY = 'Application.ReadWrite.OwnedBy';

let sandbox: Sandbox;
let app: AppRegistration;
let path: string;
beforeEach(async () => {
  sandbox = await startSandbox({ loopGuard: false, algorithm: 'ES256' });
  app = sandbox.addApp({
    audience: 'organizations',
    secrets: [{ value: 'the-first' }],
    applicationPermissions: [OWNED_BY],
  });
  sandbox.addOwner(app.clientId, app.clientId);
  path = `/graph/v1.0/applications(appId='${app.clientId}')`;
});
afterEach(() => sandbox.close());

async function ask(secret = 'the-first', directory = CONTOSO) {
  const { body } = await askToken(
    sandbox,
    {
      grant_type: 'client_credentials',
      client_id: app.clientId,
      client_secret: secret,
      scope: 'https://graph.microsoft.com/.default',
    },
    { directory },
  );
  return body;
}

const tokenOf = async () => (await ask()).access_token;

async function addPassword(life = 30 * DAY) {
  const endDateTime = new Date(sandbox.clock.now() + life).toISOString();
  const body = { passwordCredential: { displayName: 'made', endDateTime } };
  return callGraph(sandbox, await tokenOf(), `${path}/addPassword`, 'POST', body);
}

test('every second use of a secret added by Graph fails until it is replicated', async () => {
  sandbox.setSecretReplicationDelay(app.clientId, 60_000);
  const { secretText } = (await addPassword()).body;
  const tries = async (count: number) => {
    const outcomes: unknown[] = [];
    for (let turn = 0; turn < count; turn += 1) outcomes.push((await ask(secretText)).error_codes?.[0] ?? 'ok');
    return outcomes;
  };

  expect(await tries(4)).toEqual([7000215, 'ok', 7000215, 'ok']);
  sandbox.clock.advance(60_000);
  expect(await tries(3)).toEqual(['ok', 'ok', 'ok']);
});

test('a policy of the directory limits the lifetime of new secrets', async () => {
  const policy = sandbox.setDirectoryPolicy(CONTOSO, { longestSecretLife: 30 * DAY });
  const refused = await addPassword(31 * DAY);
  const message = `Credential lifetime exceeds the max value allowed as per assigned policy '${policy?.id}'.`;
  expect(refused).toMatchObject({
    status: 400,
    body: {
      error: {
        code: 'CredentialInvalidLifetimeAsPerAppPolicy',
        message,
        details: [{ code: 'InvalidKeyEndDate', message, target: 'EndDate' }],
      },
    },
  });
  expect((await addPassword(30 * DAY)).status).toBe(200);
  // Two years by default.
  expect((await callGraph(sandbox, await tokenOf(), `${path}/addPassword`, 'POST', {})).status).toBe(400);
  sandbox.setDirectoryPolicy(CONTOSO, undefined);
  expect((await addPassword(31 * DAY)).status).toBe(200);
});

test('a policy of an app overrides that of its directory, and can forbid secrets', async () => {
  sandbox.setDirectoryPolicy(CONTOSO, { longestSecretLife: DAY });
  sandbox.setAppPolicy(app.clientId, { noNewSecrets: true });
  expect(await addPassword(DAY)).toMatchObject({
    status: 400,
    body: { error: { code: 'CredentialTypeNotAllowedAsPerAppPolicy' } },
  });
  sandbox.setAppPolicy(app.clientId, {});
  expect((await addPassword(2 * DAY)).status).toBe(200);
  sandbox.setAppPolicy(app.clientId, undefined);
  expect((await addPassword(2 * DAY)).status).toBe(400);
  expect(app.secrets).toHaveLength(2);
});

test('an expiry before the start is refused', async () => {
  expect(await addPassword(-DAY)).toMatchObject({ status: 400, body: { error: { code: 'Request_BadRequest' } } });
});

test('the role and the ownership are both required, and can be granted and withdrawn', async () => {
  const status = async () => (await callGraph(sandbox, await tokenOf(), path)).status;
  expect(await status()).toBe(200);
  sandbox.withdrawApplicationPermission(app.clientId, OWNED_BY);
  expect(await status()).toBe(403);
  sandbox.grantApplicationPermission(app.clientId, OWNED_BY);
  sandbox.removeOwner(app.clientId, app.clientId);
  expect(await status()).toBe(403);
  sandbox.addOwner(app.clientId, app.clientId);
  expect(await status()).toBe(200);
});

test('a registration is visible only in its home directory', async () => {
  sandbox.grantAdminConsent(FABRIKAM, app.clientId, []);
  const { access_token } = await ask('the-first', FABRIKAM);
  expect(await callGraph(sandbox, access_token, path)).toMatchObject({
    status: 404,
    body: { error: { code: 'Request_ResourceNotFound' } },
  });
});

test('$select limits the fields, and is required for the certificates themselves', async () => {
  const { certificate } = makeCertificate(Date.now() - DAY, Date.now() + DAY);
  sandbox.addCertificate(app.clientId, certificate);
  const token = await tokenOf();
  const keyOf = async (query: string) => (await callGraph(sandbox, token, path + query)).body.keyCredentials[0].key;

  const { body } = await callGraph(sandbox, token, `${path}?$select=id,passwordCredentials`);
  expect(Object.keys(body)).toEqual(['@odata.context', 'id', 'passwordCredentials']);
  expect(await keyOf('')).toBeNull();
  expect(certificate.replaceAll('\n', '')).toContain(await keyOf('?$select=id,keyCredentials'));
  expect((await callGraph(sandbox, token, `${path}?$select=secrets`)).status).toBe(400);
});

test('an old secret has no hint', async () => {
  sandbox.addSecret(app.clientId, { value: 'an-old-one', hint: null });
  const { passwordCredentials } = (await callGraph(sandbox, await tokenOf(), path)).body;
  expect(passwordCredentials.map(({ hint }: { hint: string | null }) => hint)).toEqual(['the', null]);
});

test('requests to Graph are counted by operation, and recorded with their app', async () => {
  const { keyId } = (await addPassword()).body;
  const token = await tokenOf();
  sandbox.clearRequests();
  await callGraph(sandbox, token, path);
  await callGraph(sandbox, token, `/graph/v1.0/applications?$filter=appId eq '${app.clientId}'`);
  await callGraph(sandbox, token, `${path}/addPassword`, 'POST', {});
  for (let turn = 0; turn < 2; turn += 1) await callGraph(sandbox, token, `${path}/removePassword`, 'POST', { keyId });

  expect(sandbox.counters().byOperation).toEqual({
    getApplication: 1,
    listApplications: 1,
    addPassword: 1,
    removePassword: 2,
  });
  expect(sandbox.requests().at(-1)).toMatchObject({
    endpoint: 'graph',
    operation: 'removePassword',
    clientId: app.clientId,
    outcome: '400',
  });
});

test('a fault can be limited to an operation and an app', async () => {
  sandbox.injectFault({ endpoint: 'graph', operation: 'addPassword', kind: 'throttle', retryAfter: 9 });
  sandbox.injectFault({ endpoint: 'graph', app: 'somebody-else', kind: 'html' });
  expect((await callGraph(sandbox, await tokenOf(), path)).status).toBe(200);
  const throttled = await fetch(`${sandbox.url}${path}/addPassword`, { method: 'POST' });
  expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '9']);
  sandbox.clearFaults();
  sandbox.injectFault({ endpoint: 'graph', app: app.clientId, kind: 'html' });
  expect((await fetch(`${sandbox.url}${path}`)).status).toBe(401);
  await expect(callGraph(sandbox, await tokenOf(), path)).rejects.toThrow();
});

test('a lost response leaves the new secret', async () => {
  sandbox.injectFault({ endpoint: 'graph', operation: 'addPassword', kind: 'close' });
  await expect(addPassword()).rejects.toThrow();
  expect(app.secrets).toHaveLength(1);
  sandbox.injectFault({ endpoint: 'graph', operation: 'addPassword', kind: 'close_after' });
  await expect(addPassword()).rejects.toThrow();
  expect(app.secrets.map(({ displayName }) => displayName)).toEqual(['secret', 'made']);
});

test('an error at Graph has the form of Graph', async () => {
  const error = 'Directory_QuotaExceeded';
  sandbox.injectFault({ endpoint: 'graph', kind: 'error', status: 403, error, description: 'Too many.' });
  const { status, body } = await addPassword();
  expect([status, body.error.code, body.error.message]).toEqual([403, error, 'Too many.']);
});

test('a gate holds an operation of Graph before or after its work, but no token requests', async () => {
  const before = sandbox.holdNextGraph('addPassword', { stage: 'request' });
  const first = addPassword();
  await before.arrived;
  expect(app.secrets).toHaveLength(1);
  before.release();
  expect((await first).status).toBe(200);

  const after = sandbox.holdNextGraph('addPassword');
  const second = addPassword();
  await after.arrived;
  expect(app.secrets).toHaveLength(3);
  expect((await callGraph(sandbox, await tokenOf(), path)).status).toBe(200);
  after.release();
  expect((await second).status).toBe(200);
});

test('all of this can be set over HTTP', async () => {
  const call = async (method: string, route: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${sandbox.url}/sandbox/${route}`, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const made = (await call('POST', 'apps', { secret_replication_delay: 5, secrets: [{ hint: null }] })).body;
  expect(made).toMatchObject({ secret_replication_delay: 5, secrets: [{ hint: null }] });

  const own = `apps/${app.clientId}`;
  await call('POST', `${own}/secret-replication`, { delay: 60_000 });
  await call('DELETE', `${own}/application-permissions/${OWNED_BY}`);
  await call('DELETE', `${own}/owners/${app.clientId}`);
  await call('POST', `${own}/management-policy`, { no_new_secrets: true });
  await call('POST', `directories/${CONTOSO}/management-policy`, { longest_secret_life: DAY });
  expect(app).toMatchObject({
    secretReplicationDelay: 60_000,
    applicationPermissions: [],
    owners: [],
    managementPolicy: { noNewSecrets: true },
  });
  await call('POST', `${own}/application-permissions`, { permission: OWNED_BY });
  await call('POST', `${own}/owners`, { owner: app.clientId });
  await call('DELETE', `${own}/management-policy`);
  expect((await addPassword(2 * DAY)).body.error.code).toBe('CredentialInvalidLifetimeAsPerAppPolicy');
  await call('DELETE', `directories/${CONTOSO}/management-policy`);
  expect((await addPassword(2 * DAY)).status).toBe(200);

  const { id } = (await call('POST', 'hold', { operation: 'addPassword', stage: 'request' })).body;
  const held = addPassword();
  expect((await call('GET', `hold/${id}`)).body.arrived).toBe(true);
  await call('POST', `hold/${id}/release`);
  expect((await held).status).toBe(200);
  expect((await call('POST', 'faults', { kind: 'hang', operation: 'nothing' })).status).toBe(400);
  expect((await call('POST', 'apps/nobody/owners', { owner: app.clientId })).status).toBe(404);
});

test.each(['common', 'consumers'])('an app for %s can have two secrets, whatever their age', async (audience) => {
  const second = await addPassword();
  expect(second.status).toBe(200);
  sandbox.clock.advance(31 * DAY);
  const token = await tokenOf();
  app.audience = audience;
  const third = await callGraph(sandbox, token, `${path}/addPassword`, 'POST', {});
  expect([third.status, third.body.error.code]).toEqual([400, 'TooManyAppPasswords']);
  const remove = { keyId: second.body.keyId };
  expect((await callGraph(sandbox, token, `${path}/removePassword`, 'POST', remove)).status).toBe(204);
  expect((await callGraph(sandbox, token, `${path}/addPassword`, 'POST', {})).status).toBe(200);
});

test('an app owns itself only after an administrator has added it', async () => {
  sandbox.removeOwner(app.clientId, app.clientId);
  const fresh = sandbox.addApp({ audience: 'organizations' });
  expect(fresh.owners).toEqual([]);
  const refused = await addPassword();
  expect([refused.status, refused.body.error.code]).toEqual([403, 'Authorization_RequestDenied']);
  sandbox.addOwner(app.clientId, app.clientId);
  expect((await addPassword()).status).toBe(200);
});

test('an app for organizations can have more secrets', async () => {
  expect([(await addPassword()).status, (await addPassword()).status]).toEqual([200, 200]);
});
