import { beforeEach, describe, expect, test } from 'vitest';
import type { AppRegistration, RegisterTenant } from '../../src/registry/tenant_request_types.ts';
import {
  appFields,
  CALLBACK,
  CLIENT_ID,
  DIRECTORY,
  type OpenRegistry,
  openRegistry,
  registration,
} from './open_registry.ts';

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
});

async function steps(change: Partial<RegisterTenant>, app: Partial<AppRegistration> = {}): Promise<readonly string[]> {
  return (await registry.tenants.register(registration(change, app))).nextSteps.steps;
}

/** Matches steps by how they begin, and by words that they contain. */
function inOrder(...expected: readonly (readonly [string, ...string[]])[]) {
  return expected.map(([begins, ...words]) => ({
    asymmetricMatch: (step: string) => step.startsWith(begins) && words.every((word) => step.includes(word)),
    toString: () => 'Step',
    toAsymmetricMatcher: () => [begins, ...words].join(' … '),
  }));
}

const OPEN_APP = 'In the Microsoft Entra admin center (https://entra.microsoft.com), Entra ID > App registrations';
const ACCOUNT_TYPES = 'Manage > Authentication > Supported accounts';
const ADD_URI = 'Manage > Authentication > Redirect URI configuration > Add Redirect URI > Web';
const DELEGATED = 'Manage > API permissions > Add a permission > Microsoft Graph > Delegated permissions';
const PUBLISHER = 'Manage > Branding & properties > Publisher verification > Add Partner One ID';
const RESERVED = 'An administrator must consent by default since 2025-26 to ';
const APPROVE = 'An administrator of each directory approves once, by ';
const CONSENT = 'Where users may not consent for themselves';

describe('the next steps at Entra, in order', () => {
  test('aurinko', async () => {
    expect(await steps({ preset: 'aurinko' })).toEqual(
      inOrder(
        [RESERVED, 'Calendars.ReadWrite, Contacts.ReadWrite, Mail.ReadWrite, MailboxSettings.Read, Tasks.ReadWrite,'],
        [OPEN_APP, CLIENT_ID, ACCOUNT_TYPES, '"Any Entra ID Tenant + Personal Microsoft accounts"'],
        [ADD_URI, `enter exactly ${CALLBACK} `],
        [DELEGATED, 'Calendars.ReadWrite, Contacts.ReadWrite, Mail.ReadWrite, Mail.Send, MailboxSettings.Read'],
        [`${DELEGATED} > OpenId permissions: email, offline_access, openid, profile.`],
        [APPROVE, 'StartAdminConsent', ': https://login.example/organizations/v2.0/adminconsent'],
        [PUBLISHER, 'AADSTS90094'],
        ['A client secret can have an expiry date'],
      ),
    );
  });

  test("chatwoot: Outlook's permissions are listed under Microsoft Graph", async () => {
    expect(await steps({ preset: 'chatwoot', baseUrl: 'https://chat.example' })).toEqual(
      inOrder(
        [RESERVED, 'Mail.ReadWrite, IMAP.AccessAsUser.All,'],
        [OPEN_APP, '"Multiple Entra ID tenants"'],
        [ADD_URI, 'enter exactly https://chat.example/microsoft/callback '],
        [`${DELEGATED}: Mail.ReadWrite, Mail.Send.`],
        [`${DELEGATED}: IMAP.AccessAsUser.All, SMTP.Send`, 'their tokens are for Outlook'],
        [`${DELEGATED} > OpenId permissions: email, offline_access, openid, profile.`],
        [APPROVE, 'the browser ends at https://chat.example/microsoft/callback'],
        [PUBLISHER],
        ['Chatwoot runs the callback itself', 'CompleteAuthorization'],
        ['Optional claims', 'not needed'],
        ['Pass a new client secret to AddCredential', 'AZURE_APP_SECRET'],
      ),
    );
  });

  test('deskpro: the operator chooses the mailbox scopes', async () => {
    expect(await steps({ preset: 'deskpro', baseUrl: 'https://help.example' })).toEqual(
      inOrder(
        [OPEN_APP, '"Multiple Entra ID tenants"'],
        [ADD_URI, 'enter exactly https://help.example/admin/office365/token '],
        [`${DELEGATED} > OpenId permissions: offline_access, openid, profile.`],
        ['Also add the permissions that your product will request', 'TranslateScopes'],
        [CONSENT],
        [PUBLISHER],
        ['Deskpro runs the callback itself'],
        ['A client secret can have an expiry date', 'no user has to sign in again'],
      ),
    );
  });

  test('botpress-v12: signing in alone needs no verified publisher, and no "ID tokens" checkbox', async () => {
    expect(await steps({ preset: 'botpress-v12', baseUrl: 'https://bot.example', strategy: 'azure' })).toEqual(
      inOrder(
        [OPEN_APP, '"Any Entra ID Tenant + Personal Microsoft accounts"'],
        [ADD_URI, `enter exactly ${CALLBACK} `],
        [ADD_URI, 'enter exactly https://bot.example/api/v1/auth/login-callback/oauth2/azure '],
        [`${DELEGATED} > OpenId permissions: email, offline_access, openid, profile.`],
        [CONSENT],
        ['The checkbox "ID tokens"', 'is not needed', 'authorization code flow'],
        ["The vault's callback replaces that of Botpress"],
      ),
    );
  });

  test('botpress-cloud', async () => {
    expect(await steps({ preset: 'botpress-cloud' })).toEqual(
      inOrder(
        [OPEN_APP, '"Multiple Entra ID tenants"'],
        [ADD_URI, 'enter exactly https://webhook.botpress.cloud/oauth '],
        [`${DELEGATED} > OpenId permissions: offline_access, openid, profile.`],
        ['Also add the permissions'],
        [CONSENT, 'the browser ends at https://webhook.botpress.cloud/oauth'],
        [PUBLISHER],
        ['Botpress runs the callback itself'],
        ['The integration determines account types and permissions'],
        ['To use one app for all bots', 'shared_with', 'external_id'],
      ),
    );
  });
});

describe('consent', () => {
  const stepsOf = async (implicitPermissions: readonly string[], signInAudience = 'organizations') =>
    steps({}, { implicitPermissions, signInAudience });

  test('is named first, and comes before publisher verification, if by default only an administrator may give it', async () => {
    const all = await stepsOf(['openid', 'Mail.Read', 'Mail.Send']);
    expect(all[0]).toContain(`${RESERVED}Mail.Read, also`);
    const consent = all.findIndex((step) => step.startsWith(APPROVE));
    expect(all[consent]).toContain('StartAdminConsent');
    expect(all.findIndex((step) => step.startsWith(PUBLISHER))).toBeGreaterThan(consent);
  });

  test.each([
    ['of users alone', ['openid', 'User.Read', 'Mail.Send'], 'organizations'],
    ['of an app for its own directory', ['openid', 'Mail.Read'], DIRECTORY],
    ['of personal accounts', ['openid', 'Mail.Read'], 'consumers'],
  ])('%s needs no administrator by default', async (_, permissions, audience) => {
    expect((await stepsOf(permissions, audience)).join()).not.toContain(RESERVED);
  });

  test('to what always needs an administrator needs one also in the own directory of an app', async () => {
    const [first] = await stepsOf(['openid', 'Mail.Read', 'User.Read.All'], DIRECTORY);
    expect(first).toContain(`${RESERVED}User.Read.All, also`);
  });
});

test.each(['organizations', 'common'])('audience %s: the step explains how to avoid AADSTS50194', async (audience) => {
  const [first] = await steps({}, { signInAudience: audience });
  expect(first).toMatch(/set sign_in_audience to that directory .*AADSTS50194/);
});

describe('the account types', () => {
  test.each([
    ['consumers', '"Personal accounts only"'],
    [
      DIRECTORY,
      `"Single tenant only" (older pages: "Accounts in this organizational directory only") if the app is registered in directory ${DIRECTORY}`,
    ],
  ])('of %s are %s, without publisher verification', async (signInAudience, words) => {
    const found = await steps({ preset: 'aurinko' }, { signInAudience });
    expect(found[0]).toContain(words);
    expect(found.join()).not.toContain('Publisher verification');
  });

  test('personal accounts have no administrator; a single directory can also consent in the portal', async () => {
    expect((await steps({}, { signInAudience: 'consumers' })).join()).not.toContain('administrator');
    registry = await openRegistry();
    expect((await steps({}, { signInAudience: DIRECTORY })).join()).toContain('"Grant admin consent for …"');
  });
});

test.each([
  ['US_GOV', 'https://portal.azure.us', 'Microsoft Graph > Delegated permissions: IMAP.AccessAsUser.All'],
  ['CHINA', 'https://portal.azure.cn', 'Microsoft Graph > Delegated permissions: IMAP.AccessAsUser.All'],
] as const)('%s has its own portal, and no publisher verification', async (cloud, portal, permissions) => {
  const found = await steps({ preset: 'chatwoot', baseUrl: 'https://chat.example' }, { cloud });
  expect(found[1]).toContain(portal);
  expect(found.join()).toContain(permissions);
  expect(found.join()).not.toContain('Publisher verification');
});

test('a redirect URI with 127.0.0.1 goes into the manifest, one with localhost into the form', async () => {
  const redirectUris = ['http://127.0.0.1:8080/oauth2/callback', 'http://localhost:8080/oauth2/callback'];
  expect((await steps({}, { redirectUris })).slice(1, 3)).toEqual(
    inOrder(['Manage > Manifest: add http://127.0.0.1:8080/oauth2/callback'], [ADD_URI, 'http://localhost:8080/']),
  );
});

test("another API is listed under the organization's APIs", async () => {
  const found = await steps({}, { implicitPermissions: ['openid', 'api://tailspin/access_as_user'] });
  expect(found).toContain(
    'Manage > API permissions > Add a permission > APIs my organization uses > api://tailspin > Delegated permissions: access_as_user.',
  );
});

test.each([
  ['GLOBAL', 'api://AzureADTokenExchange, '],
  ['US_GOV', 'api://AzureADTokenExchangeUSGov, '],
  ['CHINA', 'api://AzureADTokenExchangeChina, '],
] as const)('a federated credential in cloud %s has the audience %s', async (cloud, audience) => {
  const material = { kind: 'FEDERATED' as const, assertionFile: '/run/tokens/acme/token' };
  const found = await steps({}, { cloud, credential: { material, expireTime: undefined, notBefore: undefined } });
  expect(found).toContainEqual(expect.stringMatching(/Federated credentials: issuer and subject/));
  expect(found.join()).toContain(`audience ${audience}`);
});

test('an app without a credential gets a warning that says where to create one', async () => {
  await registry.tenants.register(registration());
  const { nextSteps } = await registry.apps.create({
    tenantId: 'acme',
    appId: 'second',
    credential: undefined,
    credentialId: '',
    validateOnly: true,
    fields: appFields({ clientId: CLIENT_ID }),
  });
  expect(nextSteps.warnings.join()).toContain('Certificates & secrets > New client secret');
});
