import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { StartAuthorizationRequest_Prompt } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { ADA, BOB, type Customer, GRACE, IMAP, OUTLOOK, openCustomer } from './customer.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** What Entra answers while a user connects, from bug reports of people who run such integrations. */
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
  customer = await openCustomer(scenario, `connect-${number}`);
});
afterEach(() => scenario.sandbox.clearFaults());

const completed = (
  user: string,
  fault: Parameters<Customer['complete']>[3],
  scopes: readonly string[] = ['Mail.Read'],
) => failureOf(customer.complete('ada', user, scopes, fault));

describe('a redirect URI that is registered wrongly', () => {
  test.each([
    [9002325, 'invalid_request', 'APP_MISCONFIGURED', /platform Web/],
    [9002326, 'invalid_request', 'APP_MISCONFIGURED', /platform Web/],
    [9002327, 'invalid_request', 'APP_MISCONFIGURED', /platform Web/],
    [50011, 'invalid_request', 'APP_MISCONFIGURED', /Add the redirect URI/],
    [50011, 'invalid_client', 'APP_MISCONFIGURED', /Add the redirect URI/],
    [500112, 'invalid_grant', 'REAUTHORIZATION_REQUIRED', /compare the redirect URIs/],
    [500112, 'invalid_client', 'REAUTHORIZATION_REQUIRED', /compare the redirect URIs/],
    [700005, 'invalid_grant', 'REAUTHORIZATION_REQUIRED', /another directory/],
    [500200, 'invalid_request', 'BLOCKED_BY_POLICY', /does not accept personal accounts/],
  ])('%d under %s to a code is %s, and says what to do', async (code, error, reason, text) => {
    const refused = await completed(ADA, { code, error, grant: 'authorization_code' });

    expect(refused?.reason).toBe(reason);
    expect(refused?.message).toMatch(text);
    expect((await customer.appNow())?.state).toBe(App_State.OK);
  });

  test('9002327 shows the user a page that sends nobody to sign in again', async () => {
    const { text } = await customer.connect('ada', ADA, ['Mail.Read'], {
      code: 9002327,
      error: 'invalid_request',
      grant: 'authorization_code',
    });

    expect(text).not.toContain('sign in again');
    expect(text).toMatch(/Only they can fix this/);
  });

  test('9002327 to a refresh token names the platform, and leaves the connection active', async () => {
    await customer.connect('ada', ADA);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 9002327, error: 'invalid_request', grant: 'refresh_token' });

    const refused = await failureOf(customer.token('ada'));

    expect(refused?.reason).toBe('APP_MISCONFIGURED');
    expect(refused?.message).toMatch(/platform Web/);
    expect((await customer.read('ada'))?.state).toBe(Connection_State.ACTIVE);
  });
});

describe('consent that has not spread yet', () => {
  test.each([[['Mail.Read', IMAP]], [[IMAP, 'Mail.Read']]])(
    '65001 for the further resource of %j is asked again at the first request for a token',
    async (scopes) => {
      const missing = {
        code: 65001,
        suberror: 'consent_required',
        grant: 'refresh_token',
        resource: OUTLOOK,
        count: 2,
      };
      await customer.connect('ada', ADA, scopes, missing);

      await scenario.later(MINUTE);

      expect([await customer.get('ada', IMAP), await customer.get('ada')]).toEqual(['OK', 'OK']);
    },
  );

  test('while it is missing, nobody calls it withdrawn', async () => {
    const missing = { code: 65001, suberror: 'consent_required', grant: 'refresh_token', count: 9 };
    await customer.connect('ada', ADA, ['Mail.Read', IMAP], missing);

    const refused = await failureOf(customer.token('ada', IMAP));

    expect(refused?.reason).toBe('CONSENT_REQUIRED');
    expect(refused?.message).not.toContain('withdrawn');
    const { resources = [] } = (await customer.read('ada')) ?? {};
    expect(resources.find(({ resource }) => resource === OUTLOOK)).toMatchObject({ retryTime: expect.anything() });
    scenario.sandbox.clearFaults();
    await scenario.later(25 * HOUR);
    expect(await customer.get('ada', IMAP)).toBe('OK');
  });

  test('another refusal of the further resource (53003) does not keep the user from connecting', async () => {
    const blocked = { code: 53003, grant: 'refresh_token', resource: OUTLOOK, count: 2 };
    const { text } = await customer.connect('ada', ADA, ['Mail.Read', IMAP], blocked);

    expect(text).toContain('Connected');
    expect([await customer.get('ada'), await customer.get('ada', IMAP)]).toEqual(['OK', 'BLOCKED_BY_POLICY']);
  });
});

describe('an error at the redirect URI means what it means at the token endpoint', () => {
  test.each([
    ['access_denied', 650051, 'BLOCKED_BY_POLICY'],
    ['access_denied', 650052, 'ADMIN_CONSENT_REQUIRED'],
    ['access_denied', 65005, 'BLOCKED_BY_POLICY'],
    ['access_denied', 50097, 'BLOCKED_BY_POLICY'],
    ['access_denied', 500212, 'BLOCKED_BY_POLICY'],
    ['access_denied', 530084, 'BLOCKED_BY_POLICY'],
    ['access_denied', 90072, 'BLOCKED_BY_POLICY'],
    ['access_denied', 500571, 'ACCOUNT_DISABLED'],
    ['invalid_client', 650051, 'BLOCKED_BY_POLICY'],
    ['invalid_client', 650052, 'ADMIN_CONSENT_REQUIRED'],
    ['invalid_client', 650056, 'ADMIN_CONSENT_REQUIRED'],
    ['invalid_client', 65005, 'APP_MISCONFIGURED'],
    ['unauthorized_client', 700016, 'ADMIN_CONSENT_REQUIRED'],
    ['invalid_client', 7000112, 'BLOCKED_BY_POLICY'],
    ['invalid_client', 7000229, 'ADMIN_CONSENT_REQUIRED'],
    ['invalid_request', 500011, 'ADMIN_CONSENT_REQUIRED'],
    ['invalid_request', 500014, 'BLOCKED_BY_POLICY'],
    ['interaction_required', 53003, 'BLOCKED_BY_POLICY'],
    ['interaction_required', 5000225, 'BLOCKED_BY_POLICY'],
    ['interaction_required', 530035, 'BLOCKED_BY_POLICY'],
    ['interaction_required', 53004, 'BLOCKED_BY_POLICY'],
    ['interaction_required', 530021, 'BLOCKED_BY_POLICY'],
    ['invalid_request', 500213, 'BLOCKED_BY_POLICY'],
    ['access_denied', 65004, 'AUTHORIZATION_DECLINED'],
    ['permission_denied', undefined, 'AUTHORIZATION_DECLINED'],
    ['access_denied', 7999999, 'AUTHORIZATION_DECLINED'],
  ])('%s with %s is %s', async (error, code, reason) => {
    const refused = await completed(ADA, { error, code, endpoint: 'authorize' });

    expect(refused?.reason).toBe(reason);
    if (code !== undefined) expect(refused?.metadata['entraError']).toContain(`AADSTS${code}`);
  });

  test('a directory that nobody administers: the page does not say that the user declined', async () => {
    const { text } = await customer.connect('ada', ADA, ['Mail.Read'], {
      code: 650051,
      error: 'access_denied',
      endpoint: 'authorize',
    });

    expect(text).not.toContain('without your agreement');
    expect(text).toMatch(/administrator/);
  });

  test('50194 at a shared address says that sign_in_audience may be the directory', async () => {
    for (const where of [{ endpoint: 'authorize' as const }, { grant: 'authorization_code' }]) {
      const refused = await completed(ADA, { code: 50194, error: 'invalid_request', ...where });
      expect(refused?.reason).toBe('APP_MISCONFIGURED');
      expect(refused?.message).toMatch(/sign_in_audience/);
    }
  });

  test.each([
    ['access_denied', 650051, 'blocked_by_policy'],
    ['invalid_client', 650051, 'blocked_by_policy'],
    ['invalid_client', 65005, 'app_misconfigured'],
    ['invalid_resource', 500014, 'blocked_by_policy'],
    ['access_denied', undefined, 'authorization_declined'],
  ])("an administrator's consent that ends with %s %s is %s", async (error, code, outcome) => {
    const { consentUri } = await scenario.connections.startAdminConsent({
      parent: customer.name,
      scopes: ['Mail.Read'],
      returnUrl: 'http://127.0.0.1:3000/consented',
    });
    customer.fault({ error, code, endpoint: 'adminconsent' });

    const { url } = await scenario.browser.walk(consentUri, { as: CONTOSO });

    expect(url.searchParams.get('outcome')).toBe(outcome);
  });
});

describe('a personal account and two resources', () => {
  test.each([{ endpoint: 'authorize' as const }, { grant: 'authorization_code' }])(
    '70011 at %o says to request one resource at a time, and stops nobody else',
    async (where) => {
      const refused = await completed(BOB, { code: 70011, error: 'invalid_scope', ...where }, ['Mail.Read', IMAP]);

      expect(refused?.reason).toBe('APP_MISCONFIGURED');
      expect(refused?.message).toMatch(/one resource at a time/);
      expect((await customer.appNow())?.state).toBe(App_State.OK);
      await customer.connect('grace', GRACE, ['Mail.Read', IMAP]);
      expect(await customer.get('grace')).toBe('OK');
    },
  );
});

describe('the address of a personal account', () => {
  const start = async (id: string, more: object = {}) => {
    const request = { connection: customer.connection(id), scopes: ['Mail.Read'], autoConfirm: true, ...more };
    const { authorizationUri } = await scenario.connections.startAuthorization(request);
    return new URL(authorizationUri).pathname.split('/')[1];
  };
  const authorities = (grant: string) => scenario.asked(customer.clientId, grant).map(({ directory }) => directory);

  test('a connection whose account is personal signs in at `consumers`, any other one at the address of the app', async () => {
    await customer.connect('bob', BOB);
    await customer.connect('ada', ADA);

    expect([await start('bob'), await start('ada'), await start('new')]).toEqual(['consumers', 'common', 'common']);
    expect(await start('bob', { allowAccountChange: true })).toBe('common');
    expect(await start('bob', { prompt: StartAuthorizationRequest_Prompt.SELECT_ACCOUNT })).toBe('consumers');

    await customer.connect('bob', BOB);

    expect(authorities('authorization_code')).toEqual(['common', 'common', 'consumers']);
    expect(await customer.get('bob')).toBe('OK');
  });

  test('an app for personal accounts only signs in at `consumers`', async () => {
    const personal = await openCustomer(scenario, `personal-${number}`, { audience: 'consumers' });

    const { text } = await personal.connect('bob', BOB);

    expect(text).toContain('Connected');
    expect(scenario.asked(personal.clientId, 'authorization_code').map(({ directory }) => directory)).toEqual([
      'consumers',
    ]);
    expect(await personal.get('bob')).toBe('OK');
  });

  test('its new refresh token is redeemed once while the user is there', async () => {
    const { text } = await customer.connect('bob', BOB);

    expect(text).toContain('Connected');
    expect(scenario.asked(customer.clientId)).toHaveLength(1);
    await customer.connect('ada', ADA);
    expect(scenario.asked(customer.clientId)).toHaveLength(1);
  });

  test.each([
    [7000012, undefined],
    [70000, 'bad_token'],
    [70000, null],
  ])('a refresh token that is stillborn (%d, suberror %s) connects nothing', async (code, suberror) => {
    const stillborn = { code, ...(suberror === undefined ? {} : { suberror }), grant: 'refresh_token', count: 9 };

    const { text } = await customer.connect('bob', BOB, ['Mail.Read'], stillborn);

    expect(text).toContain('sign in again');
    expect((await customer.read('bob'))?.state).toBe(Connection_State.PENDING);
  });

  test('an outage of Entra at that moment does not lose the grant', async () => {
    const { text } = await customer.connect('bob', BOB, ['Mail.Read'], {
      kind: 'html',
      grant: 'refresh_token',
      count: 9,
    });

    expect(text).toContain('Connected');
    scenario.sandbox.clearFaults();
    await scenario.later(5 * MINUTE);
    expect(await customer.get('bob')).toBe('OK');
  });

  test('a refusal at the directory of personal accounts is tried once at `common`, and is no strike', async () => {
    await customer.connect('bob', BOB);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 7000012, grant: 'refresh_token', count: 1 });

    expect(await customer.get('bob')).toBe('OK');

    expect(authorities('refresh_token').slice(-2)).toEqual(['9188040d-6c67-4c5b-b112-36a304b66dad', 'common']);
    expect((await customer.read('bob'))?.state).toBe(Connection_State.ACTIVE);
  });

  test('a refusal at both addresses counts: 70000 at the second time, 7000012 at once', async () => {
    await customer.connect('bob', BOB);
    await customer.connect('second', BOB);
    await scenario.later(2 * HOUR);
    customer.fault({ code: 70000, suberror: 'bad_token', grant: 'refresh_token', untilRemoved: true });
    expect(await customer.get('bob')).toBe('ENTRA_UNAVAILABLE');
    await scenario.later(61_000);
    expect(await customer.get('bob')).toBe('REAUTHORIZATION_REQUIRED');
    scenario.sandbox.clearFaults();
    customer.fault({ code: 7000012, grant: 'refresh_token', count: 2 });

    expect(await customer.get('second')).toBe('REAUTHORIZATION_REQUIRED');
  });
});

test('a connection whose sign-in met a refusal can be connected a moment later', async () => {
  const refused = await completed(ADA, { code: 9999999, error: 'invalid_grant', grant: 'authorization_code' });
  expect(refused?.reason).toBe('REAUTHORIZATION_REQUIRED');

  expect(await reasonOf(customer.connect('ada', ADA))).toBe('OK');

  expect(await customer.get('ada')).toBe('OK');
});
