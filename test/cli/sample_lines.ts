import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newApiKey } from '../../src/model/api_key.ts';
import { callersFile } from '../scenarios/callers_file.ts';

export const CONTOSO = 'c0c0c0c0-0000-4000-8000-000000000001';
const CLIENT = '33333333-3333-4333-8333-333333333333';

const ENTRA = 'https://login.microsoftonline.com/common/oauth2/v2.0';

const STRATEGY = {
  type: 'oauth2',
  options: {
    authorizationURL: `${ENTRA}/authorize`,
    tokenURL: `${ENTRA}/token`,
    clientSecret: 'x',
    clientID: CLIENT,
    callbackURL: 'https://bots.example.com/api/v1/auth/login-callback/oauth2/azure',
    scope: 'openid profile email',
    userInfoURL: 'https://graph.microsoft.com/oidc/userinfo',
  },
};

/** Arguments with which each command of a running vault succeeds, in this order, at a tenant `acme` with a user `ada`. */
export const VAULT_LINES: Readonly<Record<string, string>> = {
  status: '',
  'tenants create': 'beta',
  'tenants list': '',
  'tenants show': 'beta',
  'tenants update': 'beta --display-name Beta',
  'tenants suspend': 'beta',
  'tenants resume': 'beta',
  'tenants delete': 'beta --yes',
  'apps create': `acme/mail --client-id ${CLIENT} --cloud custom`,
  'apps list': '',
  'apps show': 'acme/mail',
  'apps update': 'acme/mail --display-name Mail',
  'apps suspend': 'acme/mail',
  'apps resume': 'acme/mail',
  'apps delete': 'acme/mail --yes',
  'apps verify': `acme/default --directory ${CONTOSO}`,
  'apps request-consent': 'acme/default --scope Mail.ReadOnly',
  'connections list': '',
  'connections show': 'acme/ada',
  'connections verify': 'acme/ada',
  'connections suspend': 'acme/ada',
  'connections resume': 'acme/ada',
  'connections authorize': 'acme/eva --scope Mail.ReadOnly --auto-confirm',
  'connections delete': 'acme/eva --yes',
  'credentials list': '',
  'credentials report': '',
  'credentials add': 'acme/default second --client-secret-file secret --expires never',
  'credentials rotate': 'acme/default --dry-run',
  'credentials remove': 'acme/default/second --yes',
  'events list': '--type connection.changed',
  'events dead-letters': '',
  'events redeliver': 'ops',
  'callers usage': '',
  'keys show': '',
  'keys rotate-root': '--to ROOT-KEY',
  'keys rotate-tenant': 'acme',
  'containment contain': '--caller mail-sync --reason Test',
  'containment list': '',
  'containment lift': '--caller mail-sync --reason Test',
  'import jsonl': 'connections.jsonl --tenant acme',
  'import botpress': 'botpress.config.json --tenant bots',
  'import chatwoot': '--env chatwoot.env --tenant chat',
  'import deskpro': `--client-id ${CLIENT} --client-secret-file secret --tenant desk --base-url https://desk.example.com`,
  'import aurinko': `--client-id ${CLIENT} --client-secret-file secret --tenant mail`,
};

/** The same for commands that read files, or the database with the variables of `serve`. */
export const FILE_LINES: Readonly<Record<string, string>> = {
  'callers new-key': 'mail-sync',
  'callers check': 'callers.yaml',
  'audit verify': '',
  'audit query': '',
  'audit exposure': '--caller mail-sync --since 24h',
};

/** The words of a line, with the paths of its files. `rootKey`: the id of one. */
export function sampleWords(line: string, folder: string, rootKey = 'a'.repeat(32)): readonly string[] {
  return line
    .replace('ROOT-KEY', rootKey)
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (FILES.has(word) ? join(folder, word) : word));
}

const FILES = new Set(['secret', 'connections.jsonl', 'botpress.config.json', 'chatwoot.env', 'callers.yaml']);

/** Writes the files that the lines name. */
export function writeSampleFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content, { mode: 0o600 });
  write('secret', 'a-secret-of-no-registration');
  write('webhook-secret', `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`);
  write(
    'sinks.yaml',
    JSON.stringify({ sinks: [{ id: 'ops', url: 'http://127.0.0.1:9/', secret_file: 'webhook-secret' }] }),
  );
  write(
    'connections.jsonl',
    `${JSON.stringify({ connection: 'bob', refresh_token: 'x', scopes: ['Mail.ReadOnly'] })}\n`,
  );
  write('botpress.config.json', JSON.stringify({ version: '12.30.0', authStrategies: { azure: STRATEGY } }));
  write('chatwoot.env', `AZURE_APP_ID=${CLIENT}\nAZURE_APP_SECRET=x\nFRONTEND_URL=https://chat.example.com\n`);
  write('callers.yaml', callersFile());
  write('api.key', newApiKey('ops').key);
}
