import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { Credential_State } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import { FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, ALAN, BOB, type Customer, type Fault, GRACE, IMAP, OUTLOOK, openCustomer } from './customer.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** Answers that real Entra gives, as documents and bug reports have them, in an app for many directories. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let scenario: Scenario;
let number = 0;
let customer: Customer;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());
beforeEach(async () => {
  number += 1;
  customer = await openCustomer(scenario, `finding-${number}`);
});
afterEach(() => scenario.sandbox.clearFaults());

const refresh = (code: number | undefined, error: string, more: Fault = {}) =>
  customer.fault({ code, error, grant: 'refresh_token', ...more });
const importOf = (id: string, user: string, verify: ImportConnectionRequest_Verify) =>
  reasonOf(
    scenario.connections.importConnection({
      connection: customer.connection(id),
      scopes: ['Mail.Read'],
      verify,
      refreshToken: scenario.sandbox.issueRefreshToken({
        clientId: customer.clientId,
        userObjectId: user,
        scopes: 'openid profile offline_access Mail.Read',
      }),
    }),
  );
const credentialStates = async () => (await customer.appNow())?.credentials.map(({ state }) => state);
const resourceState = async (id: string, resource: string) =>
  (await customer.read(id))?.resources.find((one) => one.resource === resource)?.state;

describe('a failing directory or user does not affect others', () => {
  beforeEach(async () => {
    await customer.connect('ada', ADA);
    await customer.connect('alan', ALAN);
    await scenario.later(2 * HOUR);
  });

  test.each([
    [53005, 'protection_policy_required', 'BLOCKED_BY_POLICY', Connection_State.BLOCKED],
    [50053, null, 'ENTRA_UNAVAILABLE', Connection_State.ACTIVE],
    [50034, null, 'ACCOUNT_DISABLED', Connection_State.BLOCKED],
    [70001, null, 'ADMIN_CONSENT_REQUIRED', Connection_State.ACTIVE],
  ])('unauthorized_client with %d (suberror %s) is %s of that user', async (code, suberror, reason, state) => {
    refresh(code, 'unauthorized_client', { suberror, user: ALAN });

    expect(await customer.get('alan')).toBe(reason);

    expect((await customer.read('alan'))?.state).toBe(state);
    expect(await customer.get('ada')).toBe('OK');
    expect((await customer.appNow())?.state).toBe(App_State.OK);
  });

  test('an unknown code is of its request; three connections that fail alike hold their directory, and no other', async () => {
    const others = ['second', 'third'].map((name) => {
      const { username } = scenario.sandbox.addUser({ username: `${name}-${number}@fabrikam.example` });
      return { name, username };
    });
    for (const { name, username } of others) await customer.connect(name, username);
    await customer.connect(
      'fourth',
      scenario.sandbox.addUser({ username: `fourth-${number}@fabrikam.example` }).username,
    );
    await scenario.later(2 * HOUR);
    refresh(7999999, 'unauthorized_client', { directory: FABRIKAM, count: 3 });

    expect(await customer.get('alan')).toBe('APP_MISCONFIGURED');
    expect((await customer.appNow())?.failingDirectories).toEqual([]);
    for (const { name } of others) expect(await customer.get(name)).toBe('APP_MISCONFIGURED');

    expect(await customer.get('fourth')).toBe('APP_MISCONFIGURED');
    expect((await customer.appNow())?.failingDirectories).toMatchObject([{ directoryId: FABRIKAM }]);
    expect(await customer.get('ada')).toBe('OK');
    const metrics = await fetch(`http://${scenario.vault.addresses.ops}/metrics`);
    const labels = `tenant="${customer.name.replace('tenants/', '')}",app="default",problem="failing_in_directory"`;
    expect(await metrics.text()).toContain(`tokenvault_app_recent_problems{${labels}} 1`);
  });
});

describe('`invalid_client` for a request does not reject the credential', () => {
  test('500112 to a code: start again, the credential stays valid, others are served', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    const fault = { code: 500112, error: 'invalid_client', status: 401, grant: 'authorization_code' };

    const refused = await failureOf(customer.complete('grace', GRACE, ['Mail.Read'], fault));

    expect(refused?.reason).toBe('REAUTHORIZATION_REQUIRED');
    expect(await credentialStates()).toEqual([Credential_State.VALID]);
    expect(await customer.get('ada')).toBe('OK');
  });

  test('70002 to a personal account is APP_MISCONFIGURED of this request; work accounts are served', async () => {
    await customer.connect('bob', BOB);
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(70002, 'invalid_client', { user: BOB, untilRemoved: true });

    const refused = await failureOf(customer.token('bob'));

    expect(refused?.reason).toBe('APP_MISCONFIGURED');
    expect(refused?.message).toMatch(/does not accept personal accounts/);
    expect(await customer.get('ada')).toBe('OK');
    expect(await credentialStates()).toEqual([Credential_State.VALID]);
    expect(await importOf('import', BOB, ImportConnectionRequest_Verify.NOW)).toBe('APP_MISCONFIGURED');
    expect((await customer.appNow())?.state).toBe(App_State.OK);
  });

  test('70002 together with 50012 is a wrong secret', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(undefined, 'invalid_client', { errorCodes: [70002, 50012], status: 401 });

    expect(await customer.get('ada')).toBe('APP_CREDENTIAL_REJECTED');
    expect(await credentialStates()).toEqual([Credential_State.REJECTED]);
  });
});

describe('of a personal account, 70000 may be a missing consent', () => {
  test('while connecting, on the second resource: connected with the first one', async () => {
    const missing = { code: 70000, resource: OUTLOOK, grant: 'refresh_token', count: 9 };

    const { text } = await customer.connect('bob', BOB, ['Mail.Read', IMAP], missing);

    expect(text).toContain('Connected');
    expect([await customer.get('bob'), await customer.get('bob', IMAP)]).toEqual(['OK', 'CONSENT_REQUIRED']);
  });

  test('70000 twice on one resource, while another one is granted: CONSENT_REQUIRED of that resource', async () => {
    await customer.connect('bob', BOB, ['Mail.Read', IMAP]);
    await scenario.later(2 * HOUR);
    refresh(70000, 'invalid_grant', { resource: OUTLOOK, count: 9 });

    expect(await customer.get('bob', IMAP)).toBe('CONSENT_REQUIRED');
    await scenario.later(61_000);
    expect(await customer.get('bob', IMAP)).toBe('CONSENT_REQUIRED');

    expect(await customer.get('bob')).toBe('OK');
    expect((await customer.read('bob'))?.state).toBe(Connection_State.ACTIVE);
  });

  test('70000 twice on every resource: REAUTHORIZATION_REQUIRED', async () => {
    await customer.connect('bob', BOB, ['Mail.Read', IMAP]);
    await scenario.later(2 * HOUR);
    refresh(70000, 'invalid_grant', { untilRemoved: true });

    expect(await customer.get('bob', IMAP)).toBe('ENTRA_UNAVAILABLE');
    await scenario.later(61_000);
    expect(await customer.get('bob', IMAP)).toBe('REAUTHORIZATION_REQUIRED');

    expect(await customer.get('bob')).toBe('REAUTHORIZATION_REQUIRED');
    expect((await customer.read('bob'))?.account?.directoryId).toBe(PERSONAL_DIRECTORY);
  });
});

describe('a refresh token that Entra cannot read (9002313) leads to a sign-in', () => {
  test('stored: at the second answer, a minute later', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(9002313, 'invalid_grant', { count: 9 });

    expect(await customer.get('ada')).toBe('ENTRA_UNAVAILABLE');
    await scenario.later(61_000);

    expect(await customer.get('ada')).toBe('REAUTHORIZATION_REQUIRED');
  });

  test('imported for the first use: likewise; verified at the import: REFRESH_TOKEN_REJECTED', async () => {
    refresh(9002313, 'invalid_grant', { count: 9 });
    expect(await importOf('now', ADA, ImportConnectionRequest_Verify.NOW)).toBe('REFRESH_TOKEN_REJECTED');
    expect(await importOf('later', ADA, ImportConnectionRequest_Verify.ON_FIRST_USE)).toBe('OK');

    expect(await customer.get('later')).toBe('ENTRA_UNAVAILABLE');
    await scenario.later(61_000);

    expect(await customer.get('later')).toBe('REAUTHORIZATION_REQUIRED');
  });

  test('a code that is junk asks for a new start', async () => {
    const junk = { code: 9002313, error: 'invalid_grant', grant: 'authorization_code' };

    const refused = await failureOf(customer.complete('ada', ADA, ['Mail.Read'], junk));

    expect(refused?.reason).toBe('REAUTHORIZATION_REQUIRED');
  });

  test('under invalid_request it is a fault of the vault, of this request alone', async () => {
    await customer.connect('ada', ADA, ['Mail.Read', IMAP]);
    await scenario.later(2 * HOUR);
    refresh(9002313, 'invalid_request', { resource: OUTLOOK });

    expect([await customer.get('ada', IMAP), await customer.get('ada')]).toEqual(['INTERNAL', 'OK']);
  });
});

describe('an error for the administrator does not require a sign-in', () => {
  test.each([
    [500341, 'ACCOUNT_DISABLED'],
    [500571, 'ACCOUNT_DISABLED'],
    [53002, 'BLOCKED_BY_POLICY'],
    [90072, 'BLOCKED_BY_POLICY'],
    [50155, 'BLOCKED_BY_POLICY'],
  ])('%d is %s at the first answer', async (code, reason) => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(code, 'invalid_grant', { suberror: null });

    expect(await customer.get('ada')).toBe(reason);
    expect((await customer.read('ada'))?.state).toBe(Connection_State.BLOCKED);
  });

  test('the suberror device_authentication_failed decides where the code is unknown', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(7999999, 'invalid_grant', { suberror: 'device_authentication_failed' });

    expect(await customer.get('ada')).toBe('BLOCKED_BY_POLICY');
  });
});

test('70021 as invalid_request to a young federated credential is PROPAGATING, and the next secret serves', async () => {
  const issuer = 'https://kubernetes.example';
  const subject = `system:serviceaccount:vault:${number}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = join(scenario.folder, 'federated', `finding-${number}`, 'assertion');
  mkdirSync(dirname(file), { recursive: true });
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience('api://AzureADTokenExchange')
    .setIssuedAt(Math.floor(scenario.sandbox.clock.now() / 1_000))
    .setExpirationTime(Math.floor(scenario.sandbox.clock.now() / 1_000) + 24 * 3_600)
    .sign(privateKey);
  writeFileSync(file, assertion);
  await customer.connect('ada', ADA);
  await scenario.later(2 * HOUR);
  // Nothing at Entra knows the issuer: 70021, since the sandbox answers as Entra's documents have it.
  customer.fault({ code: 70021, error: 'invalid_request', status: 400, credential: issuer, untilRemoved: true });
  await scenario.apps.addCredential({
    parent: customer.app,
    credentialId: 'federated',
    credential: { material: { case: 'federated', value: { assertionFile: file } } },
  });
  scenario.sandbox.expireSecret(customer.clientId, customer.secret);

  expect(await customer.get('ada')).toBe('APP_CREDENTIAL_PROPAGATING');

  const second = scenario.sandbox.addSecret(customer.clientId).value;
  await scenario.apps.addCredential({
    parent: customer.app,
    credentialId: 'second',
    credential: { material: { case: 'clientSecret', value: second } },
  });
  expect(await customer.get('ada')).toBe('OK');
});

test("one caller's claims that Entra cannot read (50117) are that caller's fault, and others are served", async () => {
  await customer.connect('ada', ADA);
  await scenario.later(2 * HOUR);
  refresh(50117, 'invalid_request', { count: 1 });
  const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';

  const refused = await failureOf(
    scenario.tokens.getAccessToken({ connection: customer.connection('ada'), scopes: ['Mail.Read'], claims }),
  );

  expect(refused).toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'claims' } });
  expect(await customer.get('ada')).toBe('OK');
});

describe('an unknown `error` value', () => {
  test('is decided by a known code', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(50055, 'user_password_expired');

    expect(await customer.get('ada')).toBe('REAUTHORIZATION_REQUIRED');
  });

  test.each([
    ['bad_token', 'REAUTHORIZATION_REQUIRED'],
    ['message_only', 'BLOCKED_BY_POLICY'],
  ])('is decided by the suberror %s', async (suberror, reason) => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(undefined, 'new_word', { errorCodes: [], suberror });

    expect(await customer.get('ada')).toBe(reason);
  });

  test('without either is ENTRA_UNAVAILABLE for as long as it lasts, asked once a minute, and marks nothing', async () => {
    await customer.connect('ada', ADA, ['Mail.Read', IMAP]);
    await scenario.later(2 * HOUR);
    refresh(undefined, 'new_word', { errorCodes: [], resource: OUTLOOK, untilRemoved: true });
    const asked = () => scenario.asked(customer.clientId).length;

    for (let hour = 0; hour < 12; hour += 1) {
      expect(await customer.get('ada', IMAP)).toBe('ENTRA_UNAVAILABLE');
      const before = asked();
      const refused = await failureOf(customer.token('ada', IMAP));
      expect([refused?.reason, asked()]).toEqual(['ENTRA_UNAVAILABLE', before]);
      expect(refused?.retryAfter).toBeGreaterThan(0);
      await scenario.later(HOUR);
    }

    expect(await customer.get('ada')).toBe('OK');
    expect((await customer.read('ada'))?.state).toBe(Connection_State.ACTIVE);
    expect(await resourceState('ada', OUTLOOK)).toBe(await resourceState('ada', 'https://graph.microsoft.com'));
    scenario.sandbox.clearFaults();
    expect(await customer.get('ada', IMAP)).toBe('OK');
  });
});

describe('other answers', () => {
  test('50196 under temporarily_unavailable rests this connection alone for five minutes', async () => {
    await customer.connect('ada', ADA);
    await customer.connect('grace', GRACE);
    await scenario.later(2 * HOUR);
    refresh(50196, 'temporarily_unavailable', { user: ADA });

    const refused = await failureOf(customer.token('ada'));

    expect(refused?.retryAfter).toBeGreaterThan(4 * MINUTE);
    expect(await customer.get('grace')).toBe('OK');
    await scenario.later(5 * MINUTE + 1_000);
    expect(await customer.get('ada')).toBe('OK');
  });

  test('9002332 under invalid_request is APP_MISCONFIGURED of the request', async () => {
    await customer.connect('bob', BOB);
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(9002332, 'invalid_request', { user: BOB });

    expect([await customer.get('bob'), await customer.get('ada')]).toEqual(['APP_MISCONFIGURED', 'OK']);
    expect((await customer.appNow())?.state).toBe(App_State.OK);
  });

  test('50053 says that the address of the vault may be meant', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    refresh(50053, 'invalid_grant', { count: 9 });
    expect(await customer.get('ada')).toBe('ENTRA_UNAVAILABLE');
    await scenario.later(61_000);

    expect((await failureOf(customer.token('ada')))?.message).toMatch(/address from which the vault calls/);
  });
});
