import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_State, CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import type { SecretInput } from '../../src/sandbox/state/app_credential.ts';
import { type Onboarded, onboardPreset } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/**
 * Deskpro, "Creating an OAuth2 application in Office365": a multitenant app, one redirect URI, and a client secret that "may take a few
 * minutes to activate" (`invalid_client` until then) and is recommended to never expire, which the portal writes as 12/31/2299.
 */
const HELPDESK = 'https://helpdesk.tailspin.example';
const CALLBACK = `${HELPDESK}/admin/office365/token`;
const CLIENT_ID = '167071a1-0c9c-43c1-9c45-6dfd400a33ed';
const SECRET = '3u2pS5oL-rT6WrbQ4_AaQR--73Q56ygNX';
const NEVER = Date.UTC(2299, 11, 31);
/** "Mailbox scopes as chosen." */
const SCOPES = ['https://outlook.office.com/IMAP.AccessAsUser.All', 'https://outlook.office.com/SMTP.Send'];
const MINUTE = 60_000;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
  // So that each call five minutes after the one before needs Entra.
  scenario.sandbox.settings.accessTokenLifetime = 300;
});
afterAll(() => scenario.close());

function deskpro(tenantId: string, secret: SecretInput = {}, clientId?: string) {
  return onboardPreset(scenario, 'deskpro', {
    tenantId,
    entra: { clientId, audience: 'organizations', redirectUris: [CALLBACK], secrets: [secret] },
    tenant: { baseUrl: HELPDESK },
    ...(secret.endTime === undefined ? {} : { app: { secretExpireTime: timestampFromMs(secret.endTime) } }),
  });
}

/** What Deskpro's callback was sent for a mailbox. */
async function signIn(connection: string): Promise<{ state: string; code: string }> {
  const { authorizationUri } = await scenario.connections.startAuthorization({
    connection,
    scopes: SCOPES,
    redirectUri: CALLBACK,
  });
  const { url } = await scenario.browser.walk(authorizationUri, { as: 'ada@contoso.example' });
  expect(`${url.origin}${url.pathname}`).toBe(CALLBACK);
  return { state: url.searchParams.get('state') ?? '', code: url.searchParams.get('code') ?? '' };
}

async function complete(connection: string) {
  const { state, code } = await signIn(connection);
  return scenario.connections.completeAuthorization({ connection, state, answer: { case: 'code', value: code } });
}

async function connect(helpdesk: Onboarded): Promise<string> {
  const connection = helpdesk.connection('mailbox');
  await complete(connection);
  return connection;
}

const token = (connection: string) => scenario.tokens.getAccessToken({ connection, scopes: SCOPES });

const stateOf = async (name: string) => (await scenario.connections.getConnection({ name })).connection?.state;

async function credentialsOf({ app: name }: Onboarded) {
  const { app } = await scenario.apps.getApp({ name });
  return app?.credentials ?? [];
}

/** In the portal, and then in the vault. */
async function addSecret(helpdesk: Onboarded, replicationDelay: number) {
  const { value } = scenario.sandbox.addSecret(helpdesk.clientId, { replicationDelay });
  return scenario.apps.addCredential({
    parent: helpdesk.app,
    credentialId: 'next',
    credential: { material: { case: 'clientSecret', value } },
  });
}

test('client id, secret and the address of the help desk are all that it takes, and a mailbox is connected', async () => {
  const helpdesk = await deskpro('helpdesk', { value: SECRET, endTime: NEVER }, CLIENT_ID);

  expect(helpdesk.registered.app).toMatchObject({ signInAudience: 'organizations', redirectUris: [CALLBACK] });
  expect(helpdesk.registered.nextSteps?.redirectUris).toEqual([CALLBACK]);
  const { accessToken } = await token(await connect(helpdesk));
  expect(await scenario.use('/outlook/imap-check', accessToken)).toBe(200);
});

describe('an end of 12/31/2299', () => {
  test('is listed as "never", and warned of', async () => {
    const helpdesk = await deskpro('eternal', { endTime: NEVER });

    expect(await credentialsOf(helpdesk)).toMatchObject([{ neverExpires: true, expireTime: timestampFromMs(NEVER) }]);
    expect(helpdesk.registered.nextSteps?.warnings.join(' ')).toContain('never expires');
  });

  test('and one that does end is not', async () => {
    const helpdesk = await deskpro('mortal', { endTime: Date.UTC(2030, 0, 1) });

    expect(await credentialsOf(helpdesk)).toMatchObject([{ neverExpires: false }]);
  });
});

describe('a new secret that answers invalid_client for minutes', () => {
  test('beside the old one: nobody notices anything', async () => {
    const helpdesk = await deskpro('beside');
    const mailbox = await connect(helpdesk);

    const { credentialProbe } = await addSecret(helpdesk, 14 * MINUTE);

    expect(credentialProbe?.outcome).toBe(CredentialProbe_Outcome.PROPAGATING);
    for (let minutes = 0; minutes < 20; minutes += 5) {
      await scenario.later(5 * MINUTE);
      expect(await reasonOf(token(mailbox))).toBe('OK');
    }
    scenario.sandbox.removeSecret(helpdesk.clientId, helpdesk.secret);
    await scenario.later(5 * MINUTE);
    expect(await reasonOf(token(mailbox))).toBe('OK');
  });

  test('as the only one left: callers are told to wait, no connection is touched, and then it works by itself', async () => {
    const helpdesk = await deskpro('alone');
    const mailbox = await connect(helpdesk);
    scenario.sandbox.removeSecret(helpdesk.clientId, helpdesk.secret);
    await addSecret(helpdesk, 14 * MINUTE);
    await scenario.apps.removeCredential({ name: `${helpdesk.app}/credentials/default`, force: true });

    const outcomes: string[] = [];
    for (let minutes = 0; minutes < 10; minutes += 2.5) {
      await scenario.later(2.5 * MINUTE);
      const failure = await failureOf(token(mailbox));
      outcomes.push(failure?.reason ?? 'OK');
      if (failure !== undefined) {
        expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'APP_CREDENTIAL_PROPAGATING' });
        expect(failure.retryAfter).toBeGreaterThan(0);
      }
      expect(await stateOf(mailbox)).toBe(Connection_State.ACTIVE);
      const { app } = await scenario.apps.getApp({ name: helpdesk.app });
      expect(app?.state).toBe(App_State.OK);
    }
    expect(outcomes).toContain('APP_CREDENTIAL_PROPAGATING');

    await scenario.later(5 * MINUTE);
    for (let call = 0; call < 3; call += 1) {
      expect(await reasonOf(token(mailbox))).toBe('OK');
      await scenario.later(5 * MINUTE);
    }
    expect(await credentialsOf(helpdesk)).toMatchObject([{ state: Credential_State.VALID }]);
  });

  test('while somebody connects: the same button works again some minutes later', async () => {
    const helpdesk = await deskpro('first', { replicationDelay: 5 * MINUTE });
    const mailbox = helpdesk.connection('mailbox');

    const failure = await failureOf(complete(mailbox));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'APP_CREDENTIAL_PROPAGATING' });
    expect(await stateOf(mailbox)).toBe(Connection_State.PENDING);
    await scenario.later(5 * MINUTE);
    expect(await reasonOf(complete(mailbox))).toBe('OK');
    expect(await stateOf(mailbox)).toBe(Connection_State.ACTIVE);
  });
});
