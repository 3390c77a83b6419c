import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AppSpec } from '../../src/cli/import/app_to_register.ts';
import { appIdOf } from '../../src/cli/import/sources/app_from_botpress_strategy.ts';
import { readBotpressConfig } from '../../src/cli/import/sources/read_botpress_config.ts';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';

const ENTRA = 'https://login.microsoftonline.com/common/oauth2/v2.0';
const SECRET = 'canary~secret';

/** The entry of Botpress's documentation, with values; `changes` replace options. */
function entry(changes: object = {}, name = 'azure') {
  return {
    type: 'oauth2',
    allowSelfSignup: false,
    options: {
      authorizationURL: `${ENTRA}/authorize`,
      tokenURL: `${ENTRA}/token`,
      clientSecret: SECRET,
      clientID: '11111111-1111-4111-8111-111111111111',
      callbackURL: `https://bots.example.com/api/v1/auth/login-callback/oauth2/${name}`,
      scope: 'openid profile email',
      userInfoURL: 'https://graph.microsoft.com/oidc/userinfo',
      ...changes,
    },
    fieldMapping: { email: 'email' },
  };
}

const OTHER = { clientID: '22222222-2222-4222-8222-222222222222' };

function read(strategies: object, customLoginUrl?: string) {
  return readText(JSON.stringify({ version: '12.30.0', authStrategies: strategies }, null, 2), customLoginUrl);
}

function readText(text: string, customLoginUrl?: string) {
  return readBotpressConfig(text, { tenantId: 'acme', customLoginUrl });
}

function only(apps: readonly AppSpec[]): AppSpec {
  expect(apps).toHaveLength(1);
  return apps[0] as AppSpec;
}

test('the entry of the documentation, filled in, becomes an app registration', () => {
  const { apps, rejected } = read({ azure: entry() });

  expect(rejected).toEqual([]);
  expect(only(apps)).toMatchObject({
    line: 4,
    what: 'strategy "azure"',
    tenantId: 'acme',
    preset: 'botpress-v12',
    strategy: 'azure',
    baseUrl: 'https://bots.example.com',
    cloud: Cloud.GLOBAL,
    clientId: '11111111-1111-4111-8111-111111111111',
    signInAudience: 'common',
    implicitPermissions: ['openid', 'profile', 'email', 'offline_access'],
    appId: 'azure',
    warnings: [],
  });
});

test('the unchanged entry of the documentation is refused with its placeholder fields', () => {
  const { apps, rejected } = readText(`{ "authStrategies": {
"<your strategy name>": {
  "type": "oauth2",
  "allowSelfSignup": false,
  "options": {
    "authorizationURL": "<OAuth 2.0 authorization endpoint (v2)>",
    "tokenURL": "<OAuth 2.0 token endpoint (v2)>",
    "clientSecret": "<See step 4>",
    "clientID": "<Application (client) ID>",
    "callbackURL": "https://<Your external Botpress HTTPS URL>/api/v1/auth/login-callback/oauth2/<Your strategy name>",
    "scope": "openid profile email",
    "userInfoURL": "https://graph.microsoft.com/oidc/userinfo"
  },
  "fieldMapping": {
    "email": "email"
  }
}}}`);

  expect(apps).toEqual([]);
  expect(rejected).toMatchObject([{ outcome: 'REFUSED', line: 2, reason: 'PLACEHOLDER' }]);
  for (const field of ['authorizationURL', 'tokenURL', 'clientSecret', 'clientID', 'callbackURL'])
    expect(rejected[0]?.why).toContain(`options.${field}`);
});

test.each([
  ['https://login.microsoftonline.com/organizations', Cloud.GLOBAL, 'organizations'],
  ['https://login.microsoftonline.us/common', Cloud.US_GOV, 'common'],
  ['https://login.partner.microsoftonline.cn/consumers', Cloud.CHINA, 'consumers'],
  [
    'https://login.microsoftonline.com/C0C0C0C0-0000-4000-8000-000000000001',
    Cloud.GLOBAL,
    'c0c0c0c0-0000-4000-8000-000000000001',
  ],
  ['http://127.0.0.1:8400/common', Cloud.CUSTOM, 'common'],
])('%s gives cloud and audience', (authority, cloud, signInAudience) => {
  const endpoints = {
    authorizationURL: `${authority}/oauth2/v2.0/authorize`,
    tokenURL: `${authority}/oauth2/v2.0/token`,
  };

  const { apps } = read({ azure: entry(endpoints) }, 'http://127.0.0.1:8400');

  expect(only(apps)).toMatchObject({ cloud, signInAudience });
});

test('a custom login URL with a path is cloud CUSTOM, and other paths of its host are not', () => {
  const at = (base: string) => ({
    azure: entry({
      authorizationURL: `${base}/common/oauth2/v2.0/authorize`,
      tokenURL: `${base}/common/oauth2/v2.0/token`,
    }),
  });

  expect(only(read(at('https://gw.example/entra'), 'https://gw.example/entra').apps).cloud).toBe(Cloud.CUSTOM);
  expect(read(at('https://gw.example/entrance'), 'https://gw.example/entra').rejected[0]?.reason).toBe('NOT_ENTRA');
});

test('the v1.0 endpoint is accepted with a warning', () => {
  const v1 = 'https://login.microsoftonline.com/common/oauth2';

  const { apps } = read({ azure: entry({ authorizationURL: `${v1}/authorize`, tokenURL: `${v1}/token` }) });

  expect(only(apps).warnings).toEqual([expect.stringContaining('v1.0')]);
});

test('a callback of another form is registered unchanged', () => {
  const callbackURL = 'https://sso.example.com/botpress/back';

  const { apps } = read({ azure: entry({ callbackURL }) });

  expect(only(apps)).toMatchObject({ strategy: undefined, baseUrl: undefined, callbackUrl: callbackURL });
  expect(only(apps).warnings).toEqual([expect.stringContaining('callbackURL')]);
});

test('scopes may be a list, and offline_access is added once', () => {
  const { apps } = read({ azure: entry({ scope: ['openid', 'User.Read', 'offline_access'] }) });

  expect(only(apps).implicitPermissions).toEqual(['openid', 'User.Read', 'offline_access']);
});

test('only a claim that the vault does not store is a warning', () => {
  const { apps } = read({
    azure: { ...entry(), fieldMapping: { email: 'preferred_username', lastname: 'family_name', id: 'oid' } },
  });

  expect(only(apps).warnings).toEqual([expect.stringMatching(/"lastname".*"family_name"/)]);
});

test('other providers than Entra are skipped with their line', () => {
  const google = entry({
    authorizationURL: 'https://accounts.google.com/o/oauth2/v2/auth',
    tokenURL: 'https://www.googleapis.com/oauth2/v4/token',
    clientID: '<client ID from Google Cloud>',
  });
  const text = JSON.stringify(
    { authStrategies: { default: { type: 'basic', options: {} }, google, ldap: { type: 'ldap' }, azure: entry() } },
    null,
    2,
  );
  const lineOf = (name: string) => text.split('\n').findIndex((line) => line.includes(`"${name}": {`)) + 1;

  const { apps, rejected } = readText(text);

  expect(only(apps).line).toBe(lineOf('azure'));
  expect(rejected).toMatchObject([
    { outcome: 'SKIPPED', line: lineOf('default'), reason: 'NOT_OAUTH' },
    {
      outcome: 'SKIPPED',
      line: lineOf('google'),
      reason: 'NOT_ENTRA',
      why: expect.stringContaining('accounts.google.com'),
    },
    { outcome: 'SKIPPED', line: lineOf('ldap'), reason: 'NOT_OAUTH' },
  ]);
});

test.each([
  [
    'tokenURL of another directory',
    { tokenURL: ENTRA.replace('common', 'organizations').concat('/token') },
    'tokenURL',
  ],
  ['tokenURL of another cloud', { tokenURL: 'https://login.microsoftonline.us/common/oauth2/v2.0/token' }, 'tokenURL'],
  ['tokenURL of another provider', { tokenURL: 'https://evil.example/token' }, 'tokenURL'],
  ['http', { authorizationURL: `${ENTRA}/authorize`.replace('https', 'http') }, 'authorizationURL'],
  [
    'a domain for a directory',
    { authorizationURL: 'https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize' },
    'authorizationURL',
  ],
  ['an invalid client id', { clientID: 'acme' }, 'clientID'],
  ['no client id', { clientID: undefined }, 'clientID'],
  ['a secret with a space', { clientSecret: 'a b' }, 'clientSecret'],
  ['an invalid callback URL', { callbackURL: 'bots.example.com' }, 'callbackURL'],
])('an entry with %s is refused with the name of the field', (_, changes, field) => {
  const { apps, rejected } = read({ azure: entry(changes) });

  expect(apps).toEqual([]);
  expect(rejected).toMatchObject([{ outcome: 'REFUSED', line: 4, reason: 'FIELD_INVALID' }]);
  expect(rejected[0]?.why).toContain(`options.${field}`);
  expect(JSON.stringify(rejected)).not.toContain(SECRET);
});

test('the second entry with the same client id or name is refused with both lines', () => {
  const { apps, rejected } = readText(`{ "authStrategies": {
    "azure": ${JSON.stringify(entry())},
    "again": ${JSON.stringify(entry({}, 'again'))},
    "azure": ${JSON.stringify(entry(OTHER))}
  } }`);

  expect(only(apps).line).toBe(2);
  expect(rejected).toMatchObject([
    { line: 3, reason: 'DUPLICATE', why: expect.stringContaining('line 2') },
    { line: 4, reason: 'DUPLICATE', why: expect.stringContaining('line 2') },
  ]);
});

/** Typing errors in an entry. */
const TYPING_ERRORS: Record<string, (text: string) => string> = {
  'a missing comma': (text) => text.replace('"oauth2",', '"oauth2"'),
  'a missing quote': (text) => text.replace('"canary~secret"', '"canary~secret'),
  'a missing opening quote': (text) => text.replace('"canary~secret"', 'canary~secret"'),
  'a missing value': (text) => text.replace('"canary~secret"', ''),
  'a missing colon': (text) => text.replace('"clientSecret":', '"clientSecret"'),
  'a value without quotes': (text) => text.replace('"canary~secret"', '<See step 4>'),
  'a missing closing brace': (text) => text.replace(/\}\s*$/, ''),
  'a missing opening brace': (text) => text.replace('{', ''),
  'an opening brace too many': (text) => text.replace('"options": {', '"options": {{'),
};

test.each(Object.keys(TYPING_ERRORS))('%s rejects only its entry, with the line and without its content', (name) => {
  const apply = TYPING_ERRORS[name] ?? String;
  const broken = apply(JSON.stringify(entry(), null, 2));
  const text = `{\n"version": "12",\n"authStrategies": {\n"broken": ${broken},\n"whole": ${JSON.stringify(entry(OTHER, 'whole'), null, 2)}\n},\n"pro": { "enabled": true }\n}`;

  const { apps, rejected } = readText(text);

  expect(apps.map(({ what }) => what)).toEqual(['strategy "whole"']);
  expect(rejected.filter(({ reason }) => reason === 'NOT_JSON').length).toBeGreaterThan(0);
  expect(rejected.some(({ line, what }) => line === 4 && what === 'strategy "broken"')).toBe(true);
  expect(JSON.stringify(rejected)).not.toContain('canary');
});

test('an extra closing brace after an entry is reported by its line, and no entry is lost', () => {
  const text = `{\n"authStrategies": {\n"one": ${JSON.stringify(entry({}, 'one'))}},\n"two": ${JSON.stringify(entry(OTHER, 'two'))}\n}\n}`;

  const { apps, rejected } = readText(text);

  expect(apps.map(({ what }) => what)).toEqual(['strategy "one"', 'strategy "two"']);
  expect(rejected).toMatchObject([{ what: 'file', line: 6, reason: 'NOT_JSON' }]);
});

test('any damaged file gives a result, and never a secret', () => {
  const text = JSON.stringify({ authStrategies: { azure: entry(), second: entry(OTHER, 'second') } }, null, 1);
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(60), fc.string({ maxLength: 3 }), (at, cut, insertion) => {
      const { apps, rejected } = readText(text.slice(0, at) + insertion + text.slice(at + cut));

      expect(apps.length + rejected.length).toBeGreaterThan(0);
      expect(JSON.stringify([apps, rejected])).not.toContain(SECRET);
    }),
    { numRuns: 500 },
  );
});

test('a file without an object authStrategies is refused', () => {
  const refused = [{ what: 'file', why: 'has no object `authStrategies`' }];
  expect(readText('{}').rejected).toMatchObject(refused);
  expect(read([entry()]).rejected).toMatchObject(refused);
  expect(readText('').rejected.length).toBeGreaterThan(0);
});

test('an app id has the valid characters of the strategy name', () => {
  expect(appIdOf('Azure AD')).toBe('azure-ad');
  expect(appIdOf('365')).toBe('app-365');
  expect(appIdOf('  ')).toBe('app');
  fc.assert(fc.property(fc.string(), (name) => void expect(appIdOf(name)).toMatch(/^[a-z][a-z0-9-]{0,62}$/)));
});

test('control characters of a key are not printed', () => {
  const { rejected } = read({ azure: { ...entry(), fieldMapping: { '\u001b[31mred': 5 } } });

  expect(rejected).toMatchObject([{ reason: 'FIELD_INVALID', why: 'fieldMapping."?[31mred": missing, or not text' }]);
});
