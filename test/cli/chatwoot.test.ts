import { expect, test } from 'vitest';
import { CHATWOOT_SCOPES, readChatwootChannel } from '../../src/cli/import/sources/read_chatwoot_channel.ts';
import { readChatwootEnv } from '../../src/cli/import/sources/read_chatwoot_env.ts';

const CANARY = 'canary-refresh-token';
const APP = '11111111-1111-4111-8111-111111111111';
const DEFAULTS = { tenantId: 'acme', scopes: CHATWOOT_SCOPES, app: 'tenants/acme/apps/default' };

/** A row as `row_to_json(channel_email)` writes it. */
const ROW = {
  id: 12,
  account_id: 1,
  email: 'support@contoso.example',
  forward_to_email: '4f@reply.example.com',
  imap_enabled: true,
  imap_login: 'support@contoso.example',
  imap_password: 'canary-imap-password',
  imap_address: 'outlook.office365.com',
  imap_port: 993,
  smtp_password: 'canary-smtp-password',
  provider: 'microsoft',
  provider_config: {
    access_token: 'canary-access-token',
    refresh_token: CANARY,
    expires_on: '2026-11-22 06:00:00 UTC',
  },
  created_at: '2025-01-01T00:00:00',
};

const read = (row: unknown) => {
  const found = readChatwootChannel(row, 3, DEFAULTS);
  return 'thing' in found ? found.thing : found.rejected;
};

test('a row becomes a connection with the e-mail address, but without a username', () => {
  expect(read(ROW)).toMatchObject({
    tenantId: 'acme',
    connectionId: 'channel-12',
    externalId: 'chatwoot:channel_email:12',
    labels: { chatwoot_account_id: '1' },
    account: { email: 'support@contoso.example', username: undefined },
    scopes: [
      'Mail.ReadWrite',
      'Mail.Send',
      'https://outlook.office.com/IMAP.AccessAsUser.All',
      'https://outlook.office.com/SMTP.Send',
    ],
    app: 'tenants/acme/apps/default',
  });
});

test('ids and provider_config may be text, as in some exports', () => {
  const row = { ...ROW, id: '12', account_id: '1', provider_config: JSON.stringify(ROW.provider_config) };

  expect(read(row)).toEqual(read(ROW));
});

test.each([
  ['google', { provider: 'google' }, 'SKIPPED', 'NOT_MICROSOFT'],
  ['no provider', { provider: null }, 'SKIPPED', 'NOT_MICROSOFT'],
  ['an empty provider', { provider: '' }, 'SKIPPED', 'NOT_MICROSOFT'],
  ['no refresh token', { provider_config: { access_token: 'x' } }, 'REFUSED', 'FIELD_INVALID'],
  ['no provider_config', { provider_config: null }, 'REFUSED', 'FIELD_INVALID'],
  ['an invalid provider_config', { provider_config: `{"refresh_token":"${CANARY}` }, 'REFUSED', 'FIELD_INVALID'],
  ['no id', { id: undefined }, 'REFUSED', 'FIELD_INVALID'],
])('a row with %s is rejected with its line, and without secrets', (_, changes, outcome, reason) => {
  const rejected = read({ ...ROW, ...changes });

  expect(rejected).toMatchObject({ outcome, reason, line: 3 });
  expect(JSON.stringify(rejected)).not.toContain('canary');
});

test('reads the environment file as Chatwoot does, and ignores other variables', () => {
  const env = readChatwootEnv(
    `# comment
SECRET_KEY_BASE=canary
FRONTEND_URL=https://chat.example.com/
AZURE_APP_ID="11111111-1111-4111-8111-11111111111A"
export AZURE_APP_SECRET='pre8Q~#secret'
`,
    '.env',
  );

  expect(env).toMatchObject({
    clientId: '11111111-1111-4111-8111-11111111111a',
    baseUrl: 'https://chat.example.com',
    directoryId: undefined,
  });
  expect(env.clientSecret.matches(/^pre8Q~#secret$/)).toBe(true);
});

test.each(['pre8Q~te#nd.x', 'pre8Q~te#', 'pre8Q~te#nd # of Contoso'])(
  'a # in a value without quotes is refused as ambiguous: %s',
  (secret) => {
    const read = () => readChatwootEnv(`AZURE_APP_ID=${APP}\n export AZURE_APP_SECRET = ${secret}\n`, 'prod.env');

    expect(read).toThrow('prod.env: the value of AZURE_APP_SECRET holds a #');
    expect(read).not.toThrow(/pre8Q/);
  },
);

test.each([
  ["'pre8Q~te#nd.x'", 'pre8Q~te#nd.x'],
  ['"pre8Q~te#nd.x" # of Contoso', 'pre8Q~te#nd.x'],
  ['pre8Q~tend.x # of Contoso, see issue#7', 'pre8Q~tend.x'],
])('the secret %s is read completely', (written, secret) => {
  const env = readChatwootEnv(`AZURE_APP_ID=${APP}\nOTHER=a#b\nAZURE_APP_SECRET=${written}\n`, '.env');

  expect(env.clientSecret.reveal()).toBe(secret);
});

test('an environment file without the app names the missing variable', () => {
  expect(() => readChatwootEnv('AZURE_APP_ID=\nAZURE_APP_SECRET=x', 'prod.env')).toThrow('prod.env: AZURE_APP_ID');
  expect(() => readChatwootEnv('AZURE_APP_ID=11111111-1111-4111-8111-111111111111', '.env')).toThrow(
    'AZURE_APP_SECRET',
  );
});

test('an invalid client id is not repeated, because it may be the secret', () => {
  const read = () => readChatwootEnv('AZURE_APP_ID=pre8Q~canary\nAZURE_APP_SECRET=x', '.env');

  expect(read).toThrow('.env: AZURE_APP_ID must be the "Application (client) ID"');
  expect(read).not.toThrow(/canary/i);
});
