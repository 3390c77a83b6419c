import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Credential_State, CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { ErrorReason } from '../../src/gen/tokenvault/v1/error_reason_pb.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { jsonLines, runImport, temporaryFiles } from '../cli/import_program.ts';
import { ADA, ALAN, type Customer, type Fault, GRACE, GRAPH, IMAP, openCustomer } from './customer.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** Answers of Entra that were blamed on something larger than what failed: bug reports of people who run such integrations. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FIVE_MINUTES = 5 * MINUTE + 1_000;

let scenario: Scenario;
let number = 0;
let customer: Customer;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());
beforeEach(async () => {
  number += 1;
  customer = await openCustomer(scenario, `field-${number}`);
});
afterEach(() => scenario.sandbox.clearFaults());

/** Ada and Alan are connected, and nobody was served for two hours. */
async function connectAdaAndAlan(scopes: readonly string[] = ['Mail.Read']): Promise<void> {
  await customer.connect('ada', ADA, scopes);
  await customer.connect('alan', ALAN, scopes);
  await scenario.later(2 * HOUR);
}

async function expectUnblamed(): Promise<void> {
  const app = await customer.appNow();
  expect(app?.state).toBe(App_State.OK);
  expect(app?.credentials.map(({ state }) => state)).not.toContain(Credential_State.REJECTED);
}

const appToken = (directoryId: string, resource = GRAPH) =>
  scenario.tokens.getAppAccessToken({ app: customer.app, resource, directoryId });

describe('an unknown `invalid_client` costs no app its credentials', () => {
  const CODES: readonly (readonly [string, Fault])[] = [
    ...[50011, 650051, 7000217, 90009, 9002327, 79999999].map(
      (code) => [`${code}`, { code, error: 'invalid_client', status: 401 }] as const,
    ),
    ['no number at all', { error: 'invalid_client', errorCodes: [], status: 401 }],
  ];

  test.each(CODES)('%s to a code: the others are served', async (_, fault) => {
    await connectAdaAndAlan();

    await customer.connect('grace', GRACE, ['Mail.Read'], { ...fault, grant: 'authorization_code' });

    expect(await customer.get('grace')).toBe('CONNECTION_PENDING');
    expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
    await expectUnblamed();
  });

  test.each(CODES)('%s to a refresh token, also with two credentials: the others are served', async (_, fault) => {
    await scenario.apps.addCredential({
      parent: customer.app,
      credentialId: 'second',
      credential: {
        material: { case: 'clientSecret', value: scenario.sandbox.addSecret(customer.clientId).value },
      },
    });
    await customer.connect('grace', GRACE);
    await connectAdaAndAlan();
    customer.fault({ ...fault, user: GRACE, untilRemoved: true });

    const refused = await failureOf(customer.token('grace'));

    expect(['APP_MISCONFIGURED', 'APP_CREDENTIAL_REJECTED', 'BLOCKED_BY_POLICY']).toContain(refused?.reason);
    expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
    await expectUnblamed();
  });

  test.each(CODES)('%s to an import and to a token for the app: the others are served', async (_, fault) => {
    await connectAdaAndAlan();
    customer.fault({ ...fault, user: GRACE, count: 9 });
    const refreshToken = scenario.sandbox.issueRefreshToken({
      clientId: customer.clientId,
      userObjectId: GRACE,
      scopes: 'openid profile offline_access Mail.Read',
    });
    const imported = scenario.connections.importConnection({
      connection: customer.connection('grace'),
      scopes: ['Mail.Read'],
      refreshToken,
    });
    expect(await reasonOf(imported)).not.toBe('OK');
    scenario.sandbox.clearFaults();
    customer.fault({ ...fault, grant: 'client_credentials', count: 1 });

    expect(await reasonOf(appToken(CONTOSO))).not.toBe('OK');

    expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
    await expectUnblamed();
  });

  test('a user who asks first at each of four trials keeps nobody out', async () => {
    await customer.connect('grace', GRACE);
    await connectAdaAndAlan();
    customer.fault({ code: 79999999, error: 'invalid_client', status: 401, user: GRACE, untilRemoved: true });

    for (let trial = 0; trial < 4; trial += 1) {
      expect(await customer.get('grace')).not.toBe('OK');
      expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
      await scenario.later(2 * HOUR);
    }
  });

  test('while the app is held for a wrong secret, a user with a fault of her own does not use up the trials', async () => {
    await customer.connect('grace', GRACE);
    await connectAdaAndAlan();
    customer.fault({ code: 7000215, error: 'invalid_client', status: 401, untilRemoved: true });
    expect(await customer.get('grace')).toBe('APP_CREDENTIAL_REJECTED');
    expect(await customer.get('ada')).toBe('APP_CREDENTIAL_REJECTED');
    scenario.sandbox.clearFaults();
    customer.fault({ code: 7000215, error: 'invalid_client', status: 401, user: GRACE, untilRemoved: true });

    await scenario.later(FIVE_MINUTES);

    expect(await customer.get('grace')).toBe('APP_CREDENTIAL_REJECTED');
    expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
  });
});

describe("one customer's directory does not stop the app of all", () => {
  const REFUSALS: readonly (readonly [number, string, string])[] = [
    [500014, 'invalid_resource', 'BLOCKED_BY_POLICY'],
    [900382, 'invalid_request', 'APP_MISCONFIGURED'],
    [900432, 'invalid_request', 'APP_MISCONFIGURED'],
    [900439, 'invalid_request', 'APP_MISCONFIGURED'],
    [90038, 'invalid_request', 'APP_MISCONFIGURED'],
    [70001, 'unauthorized_client', 'ADMIN_CONSENT_REQUIRED'],
    [650051, 'unauthorized_client', 'BLOCKED_BY_POLICY'],
    [501051, 'unauthorized_client', 'BLOCKED_BY_POLICY'],
    [700054, 'unauthorized_client', 'APP_MISCONFIGURED'],
    [999999, 'invalid_resource', 'APP_MISCONFIGURED'],
    [999999, 'invalid_scope', 'APP_MISCONFIGURED'],
    [999999, 'unauthorized_client', 'APP_MISCONFIGURED'],
  ];

  test.each(REFUSALS)('%d under %s to a refresh token is %s of that directory at most', async (code, error, reason) => {
    await connectAdaAndAlan();
    customer.fault({ code, error, user: ALAN, grant: 'refresh_token' });

    expect(await customer.get('alan')).toBe(reason);

    expect(await customer.get('ada')).toBe('OK');
    const app = await customer.appNow();
    expect(app?.state).toBe(App_State.OK);
    for (const { directoryId } of app?.failingDirectories ?? []) expect(directoryId).toBe(FABRIKAM);
  });

  test('500014 is of the service that it names, and leaves the others in that directory', async () => {
    await connectAdaAndAlan(['Mail.Read', IMAP]);
    customer.fault({ code: 500014, error: 'invalid_resource', user: ALAN, resource: 'https://outlook.office.com' });

    const refused = await failureOf(customer.token('alan', IMAP));

    expect(refused?.message).toMatch(/outlook\.office\.com.*enable the service/);
    // The next call is answered without Entra, and says the same.
    expect((await failureOf(customer.token('alan', IMAP)))?.message).toMatch(/enable the service/);
    expect([await customer.get('alan'), await customer.get('ada', IMAP)]).toEqual(['OK', 'OK']);
    expect((await customer.appNow())?.failingDirectories).toMatchObject([{ directoryId: FABRIKAM }]);
  });

  test("500014 to one user's code, and to a token for the app, stops nobody", async () => {
    await connectAdaAndAlan();
    const disabled = { code: 500014, error: 'invalid_resource' };
    await customer.connect('second', ALAN, ['Mail.Read'], { ...disabled, grant: 'authorization_code' });
    customer.fault({ ...disabled, grant: 'client_credentials' });
    expect(await reasonOf(appToken(FABRIKAM))).toBe('BLOCKED_BY_POLICY');

    expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
    await expectUnblamed();
  });

  test('501051 as `unauthorized_client` to a token for the app stops nobody', async () => {
    await connectAdaAndAlan();
    customer.fault({ code: 501051, error: 'unauthorized_client', grant: 'client_credentials' });
    expect(await reasonOf(appToken(FABRIKAM))).toBe('BLOCKED_BY_POLICY');

    expect([await customer.get('ada'), await customer.get('alan')]).toEqual(['OK', 'OK']);
    await expectUnblamed();
  });

  test('a directory that asks first at three trials keeps no other directory out', async () => {
    await connectAdaAndAlan();
    customer.fault({ code: 999999, error: 'unauthorized_client', user: ALAN, untilRemoved: true });

    for (let trial = 0; trial < 3; trial += 1) {
      expect([await customer.get('alan'), await customer.get('ada')]).toEqual(['APP_MISCONFIGURED', 'OK']);
      await scenario.later(2 * HOUR);
    }
  });

  test("VerifyApp's probe of a directory with 500014 does not call the credential rejected", async () => {
    await connectAdaAndAlan();
    customer.fault({ code: 500014, error: 'invalid_resource', grant: 'client_credentials' });

    const { credentialProbes } = await scenario.apps.verifyApp({ name: customer.app, directoryId: FABRIKAM });

    expect(credentialProbes).toMatchObject([
      { outcome: CredentialProbe_Outcome.UNKNOWN, reason: ErrorReason.BLOCKED_BY_POLICY },
    ]);
    await expectUnblamed();
  });
});

describe("one request's refusal is nobody else's, where no directory is known", () => {
  test.each([500011, 70011])('one of 60 imported lines meets %d: the other 59 are imported', async (code) => {
    const users = Array.from({ length: 60 }, (_, line) =>
      line === 0 ? ALAN : scenario.sandbox.addUser({ username: `line-${number}-${line}@fabrikam.example` }).username,
    );
    const lines = users.map((user, line) => ({
      connection: `line-${line}`,
      refresh_token: scenario.sandbox.issueRefreshToken({
        clientId: customer.clientId,
        userObjectId: user,
        scopes: 'openid profile offline_access Mail.Read',
      }),
    }));
    const file = temporaryFiles().write('one.jsonl', jsonLines(lines));
    const error = code === 70011 ? 'invalid_scope' : 'invalid_resource';
    customer.fault({ code, error, user: ALAN, grant: 'refresh_token' });

    const { code: exit, stdout } = await runImport([
      ...['jsonl', file, '--tenant', `field-${number}`, '--scope', 'Mail.Read', '--apply'],
      ...['--address', scenario.vault.addresses.admin],
    ]);

    expect(exit).toBe(65);
    expect(stdout).toContain('59 imported, 0 already there, 0 skipped, 1 refused');
  });

  test.each([
    [500011, 'invalid_resource'],
    [650057, 'invalid_resource'],
    [50001, 'invalid_resource'],
    [70011, 'invalid_scope'],
    [650053, 'invalid_client'],
    [50194, 'invalid_request'],
  ])('%d to the code of one user leaves the sign-in of the next one alone', async (code, error) => {
    await customer.connect('alan', ALAN, ['Mail.Read'], { code, error, grant: 'authorization_code' });
    expect(await customer.get('alan')).toBe('CONNECTION_PENDING');

    const { text } = await customer.connect('ada', ADA);

    expect(text).toContain('Connected');
    expect(await customer.get('ada')).toBe('OK');
  });
});
