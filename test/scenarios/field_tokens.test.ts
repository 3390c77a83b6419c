import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_State } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { ADA, BOB, type Customer, GRACE, GRAPH, IMAP, OUTLOOK, openCustomer } from './customer.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** What Entra answers to a refresh token or to the app itself, from bug reports of people who run such integrations. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let scenario: Scenario;
let number = 0;
let customer: Customer;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());
beforeEach(async () => {
  number += 1;
  customer = await openCustomer(scenario, `tokens-${number}`);
});
afterEach(() => {
  scenario.sandbox.clearFaults();
  for (const user of [ADA, GRACE, BOB]) scenario.sandbox.liftPolicy(user);
});

const verify = (id: string) => reasonOf(scenario.connections.verifyConnection({ name: customer.connection(id) }));
const appToken = () => scenario.tokens.getAppAccessToken({ app: customer.app, resource: GRAPH, directoryId: CONTOSO });
const asked = () => scenario.asked(customer.clientId).length;

describe('a rejection for one resource does not affect the others', () => {
  test.each([
    [50076, 'REAUTHORIZATION_REQUIRED'],
    [50079, 'REAUTHORIZATION_REQUIRED'],
    [50158, 'REAUTHORIZATION_REQUIRED'],
    [53003, 'BLOCKED_BY_POLICY'],
    [530032, 'BLOCKED_BY_POLICY'],
    [53000, 'BLOCKED_BY_POLICY'],
    [65001, 'CONSENT_REQUIRED'],
    [530084, 'BLOCKED_BY_POLICY'],
  ])(
    '%d is %s of that resource: the living token and the next ones of the other one are served',
    async (code, reason) => {
      await customer.connect('ada', ADA, ['Mail.Read', IMAP]);
      await scenario.later(2 * HOUR);
      expect(await customer.get('ada')).toBe('OK');
      customer.fault({ code, user: ADA, resource: OUTLOOK, grant: 'refresh_token', untilRemoved: true });

      expect(await customer.get('ada', IMAP)).toBe(reason);

      expect(await customer.get('ada')).toBe('OK');
      await scenario.later(2 * HOUR);
      expect(await customer.get('ada')).toBe('OK');
      expect((await customer.read('ada'))?.state).toBe(Connection_State.ACTIVE);
      scenario.sandbox.clearFaults();
      await scenario.later(MINUTE);
      expect(await verify('ada')).toBe('OK');
      expect(await customer.get('ada', IMAP)).toBe('OK');
    },
  );

  test.each([
    [50173, 'REAUTHORIZATION_REQUIRED'],
    [700082, 'REAUTHORIZATION_REQUIRED'],
    [50057, 'ACCOUNT_DISABLED'],
    [50105, 'BLOCKED_BY_POLICY'],
  ])('%d is %s of all resources', async (code, reason) => {
    await customer.connect('ada', ADA, ['Mail.Read', IMAP]);
    await scenario.later(2 * HOUR);
    customer.fault({ code, user: ADA, resource: OUTLOOK, grant: 'refresh_token', count: 2 });

    expect(await customer.get('ada', IMAP)).toBe(reason);

    expect(await customer.get('ada')).toBe(reason);
  });
});

describe('a mismatching credential', () => {
  const addSecond = () =>
    scenario.apps.addCredential({
      parent: customer.app,
      credentialId: 'second',
      credential: { material: { case: 'clientSecret', value: scenario.sandbox.addSecret(customer.clientId).value } },
    });

  test.each([
    [70021, 'invalid_request'],
    [700211, 'invalid_request'],
    [700212, 'invalid_request'],
    [700213, 'invalid_request'],
    [7002138, 'invalid_request'],
    [700027, 'invalid_request'],
    [7002138, 'invalid_client'],
    [5002727, 'invalid_request'],
    [5002738, 'invalid_request'],
  ])('%d under %s: the next credential serves in the same call', async (code, error) => {
    await addSecond();
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    customer.fault({ code, error, credential: customer.secret, grant: 'refresh_token', untilRemoved: true });

    expect(await customer.get('ada')).toBe('OK');

    const [first] = (await customer.appNow())?.credentials ?? [];
    expect(first?.state).toBe(Credential_State.REJECTED);
  });

  test.each([70021, 7002138])(
    '%d of the only credential is of the app: PROPAGATING while it is young',
    async (code) => {
      await customer.connect('ada', ADA);
      await scenario.later(2 * HOUR);
      customer.fault({ code, error: 'invalid_request', untilRemoved: true });
      expect(await customer.get('ada')).toBe('APP_CREDENTIAL_REJECTED');
      const young = await openCustomer(scenario, `young-${number}`);
      await young.connect('ada', ADA, ['Mail.Read', IMAP]);
      await scenario.later(5 * MINUTE);
      young.fault({ code, error: 'invalid_request', untilRemoved: true });

      const refused = await failureOf(scenario.connections.verifyConnection({ name: young.connection('ada') }));
      expect(refused?.reason).toBe('APP_CREDENTIAL_PROPAGATING');
    },
  );

  test('1000502 is an expired certificate: APP_CREDENTIAL_EXPIRED', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 1000502, error: 'invalid_client', status: 401, untilRemoved: true });

    expect(await customer.get('ada')).toBe('APP_CREDENTIAL_EXPIRED');
  });
});

describe('policies', () => {
  test.each([
    [50005, 'invalid_grant'],
    [530084, 'invalid_grant'],
    [53002, 'invalid_grant'],
    [500212, 'invalid_grant'],
    [5000224, 'invalid_grant'],
    [5000225, 'interaction_required'],
    [530035, 'interaction_required'],
    [53004, 'interaction_required'],
    [530021, 'interaction_required'],
    [50097, 'interaction_required'],
    [500213, 'access_denied'],
  ])(
    '%d under %s is BLOCKED_BY_POLICY at once, asked again once a day, healed by VerifyConnection',
    async (code, error) => {
      await customer.connect('ada', ADA);
      await scenario.later(2 * HOUR);
      scenario.sandbox.requirePolicy(ADA, { code, error, satisfiedBySignIn: false });

      expect(await customer.get('ada')).toBe('BLOCKED_BY_POLICY');
      const before = asked();
      await scenario.later(2 * HOUR);
      expect(await customer.get('ada')).toBe('BLOCKED_BY_POLICY');
      expect(asked()).toBe(before);
      await scenario.later(DAY);
      expect(await customer.get('ada')).toBe('BLOCKED_BY_POLICY');
      expect(asked()).toBeGreaterThan(before);

      scenario.sandbox.liftPolicy(ADA);
      await scenario.later(MINUTE);
      expect(await verify('ada')).toBe('OK');
      expect(await customer.get('ada')).toBe('OK');
    },
  );

  test('a code that nobody knows ends the resource at the second answer, and VerifyConnection heals it', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    scenario.sandbox.requirePolicy(ADA, { code: 9999999, error: 'invalid_grant', satisfiedBySignIn: false });
    expect(await customer.get('ada')).toBe('ENTRA_UNAVAILABLE');
    await scenario.later(61_000);
    expect(await customer.get('ada')).toBe('REAUTHORIZATION_REQUIRED');

    scenario.sandbox.liftPolicy(ADA);
    await scenario.later(MINUTE);

    expect(await verify('ada')).toBe('OK');
    expect(await customer.get('ada')).toBe('OK');
  });
});

describe('a second request does not hide the first answer', () => {
  const SECOND = [
    [70011, 'invalid_scope'],
    [650057, 'invalid_resource'],
    [700016, 'unauthorized_client'],
    [7000112, 'unauthorized_client'],
    [999999, 'invalid_resource'],
  ] as const;

  test.each(SECOND)('65001, then %d: CONSENT_REQUIRED, and nothing is marked', async (code, error) => {
    await customer.connect('ada', ADA, ['Mail.Read', IMAP]);
    await customer.connect('grace', GRACE, ['Mail.Read', IMAP]);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 65001, suberror: 'consent_required', user: ADA, grant: 'refresh_token', count: 1 });
    customer.fault({ code, error, user: ADA, grant: 'refresh_token', count: 1 });

    expect(await customer.get('ada', IMAP)).toBe('CONSENT_REQUIRED');

    const app = await customer.appNow();
    expect([app?.state, app?.failingDirectories]).toEqual([App_State.OK, []]);
    expect([await customer.get('grace', IMAP), await customer.get('ada')]).toEqual(['OK', 'OK']);
  });

  test('so for a personal account, whose `.default` is answered 70011', async () => {
    await customer.connect('bob', BOB, [IMAP]);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 65001, suberror: 'consent_required', grant: 'refresh_token', count: 1 });
    customer.fault({ code: 70011, error: 'invalid_scope', grant: 'refresh_token', count: 1 });

    expect(await customer.get('bob', IMAP)).toBe('CONSENT_REQUIRED');

    expect((await customer.appNow())?.state).toBe(App_State.OK);
  });

  test('while connecting: the user is connected, and the resource waits for consent', async () => {
    const missing = { code: 65001, suberror: 'consent_required', grant: 'refresh_token', resource: OUTLOOK, count: 1 };
    scenario.sandbox.injectFault({ kind: 'error', app: customer.clientId, ...missing });
    const second = { code: 70011, error: 'invalid_scope', grant: 'refresh_token', resource: OUTLOOK, count: 1 };

    const { text } = await customer.connect('ada', ADA, ['Mail.Read', IMAP], second);

    expect(text).toContain('Connected');
    expect(await customer.get('ada')).toBe('OK');
  });
});

describe('a token for the app itself', () => {
  test.each([
    [501051, 'invalid_grant'],
    [50105, 'invalid_grant'],
    [501051, 'unauthorized_client'],
  ])('%d under %s names the missing assignment', async (code, error) => {
    customer.fault({ code, error, grant: 'client_credentials' });

    const refused = await failureOf(appToken());

    expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'BLOCKED_BY_POLICY', retryAfter: undefined });
    expect(refused?.message).toMatch(/assign the application to a role/);
    expect((await customer.appNow())?.state).toBe(App_State.OK);
  });

  test('an unknown code is of this request, and Entra is asked again a minute later', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 9999999, error: 'invalid_grant', grant: 'client_credentials' });
    const questions = () => scenario.asked(customer.clientId, 'client_credentials').length;

    const refused = await failureOf(appToken());

    expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'APP_MISCONFIGURED' });
    expect(refused?.metadata['entraError']).toBe('invalid_grant/AADSTS9999999');
    const before = questions();
    expect(await reasonOf(appToken())).toBe('APP_MISCONFIGURED');
    expect(questions()).toBe(before);
    expect(await customer.get('ada')).toBe('OK');
    await scenario.later(61_000);
    expect(await reasonOf(appToken())).toBe('OK');
  });

  test.each([
    [65001, 'invalid_grant', 'ADMIN_CONSENT_REQUIRED', /application permission/],
    [53003, 'invalid_grant', 'BLOCKED_BY_POLICY', /administrator/],
    [50076, 'invalid_grant', 'APP_MISCONFIGURED', /a user to sign in/],
  ])('%d under %s is %s, and says what is missing', async (code, error, reason, text) => {
    customer.fault({ code, error, grant: 'client_credentials', count: 1 });

    const refused = await failureOf(appToken());

    expect(refused?.reason).toBe(reason);
    expect(refused?.message).toMatch(text);
  });
});

test('90009: an app that requests a token for itself hears to name it by its client id; others are served', async () => {
  await customer.connect('ada', ADA);
  await customer.connect('grace', GRACE);
  await scenario.later(2 * HOUR);
  customer.fault({ code: 90009, error: 'invalid_request', user: GRACE, grant: 'refresh_token' });

  const refused = await failureOf(customer.token('grace'));

  expect(refused?.reason).toBe('APP_MISCONFIGURED');
  expect(refused?.message).toMatch(/client id \(GUID\)/);
  expect(await customer.get('ada')).toBe('OK');
  expect((await customer.appNow())?.state).toBe(App_State.OK);
});

test.each(['outlook.office.com', 'outlook.office365.com'])(
  'connected by %s, either name of Outlook serves',
  async (host) => {
    await customer.connect('ada', ADA, [`https://${host}/IMAP.AccessAsUser.All`]);

    for (const name of ['outlook.office.com', 'outlook.office365.com'])
      expect(await customer.get('ada', `https://${name}/IMAP.AccessAsUser.All`)).toBe('OK');
  },
);
