import type { DescField } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { CERTIFICATE, CONNECTION_IDS, TENANT_IDS } from './known_resources.ts';

/** Stands for the newest value of a field of the responses, which is put in when the request is sent. */
export const NEWEST = {
  etag: '{{etag}}',
  page_token: '{{next_page_token}}',
  authorization_id: '{{authorization_id}}',
} as const;

const tenants = TENANT_IDS.map((id) => `tenants/${id}`);
const apps = tenants.flatMap((tenant) => ['default', 'second'].map((id) => `${tenant}/apps/${id}`));
const connections = tenants.flatMap((tenant) => CONNECTION_IDS.map((id) => `${tenant}/connections/${id}`));
const credentials = apps.map((app) => `${app}/credentials/default`);
const names = [...tenants, ...apps, ...connections, ...credentials];
const directories = [CONTOSO, FABRIKAM, 'organizations', 'consumers'];
const scopes = ['Mail.ReadOnly', 'Mail.Read', 'Mail.Send', 'https://graph.microsoft.com/.default', 'openid'];
const urls = ['http://127.0.0.1:3000/', 'https://app.example/callback', 'http://localhost:3000/microsoft/callback'];

/** Values that the vault accepts, by the name of the field. Names of resources fit where no other list does. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  connection: connections,
  app: apps,
  resource: [...names, 'https://graph.microsoft.com'],
  tenant_id: TENANT_IDS,
  app_id: ['default', 'second'],
  credential_id: ['default', 'second'],
  caller: ['fuzzer', 'reader', 'root'],
  method: ['TokenService/GetAccessToken', 'TenantService/DeleteTenant'],
  sink: ['crm'],
  service: ['', 'tokenvault.v1.TokenService'],
  client_id: [ACME_CLIENT_ID, '22222222-2222-4222-8222-222222222222'],
  object_id: ['0b0b0b0b-0000-4000-8000-000000000001'],
  directory_id: directories,
  allowed_directory_ids: directories,
  home_directory_id: directories,
  sign_in_audience: ['common', 'organizations', CONTOSO],
  redirect_uris: urls,
  return_url_prefixes: urls,
  redirect_uri: urls,
  return_url: ['http://127.0.0.1:3000/connected'],
  base_url: urls,
  secret_uri: ['https://vault.vault.azure.net/secrets/app'],
  scopes,
  implicit_permissions: scopes,
  catalog: ['aurinko', 'microsoft'],
  preset: ['aurinko', 'botpress-v12', 'chatwoot', 'deskpro'],
  shared_with: ['*', ...tenants, ...TENANT_IDS],
  claims: ['{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}', '{}', '{"access_token":null}', '[]'],
  rejected_token_sha256: ['0'.repeat(64)],
  certificate_pem: [CERTIFICATE.certificate],
  private_key_pem: [CERTIFICATE.privateKey],
  label: ['tier=gold'],
  types: ['connection.', 'app.state_changed'],
  etag: ['', NEWEST.etag],
  page_token: ['', NEWEST.page_token],
  authorization_id: ['', NEWEST.authorization_id],
  paths: [
    'display_name',
    'labels',
    'suspended',
    'logo',
    'rotation',
    'external_id',
    'allowed_directory_ids',
    '*',
    'name',
  ],
};

const BOUNDARIES = [
  ...['', ' ', '-', '*', '.', '..', '/', '\\', '%2f..%2f', '../../etc/passwd', 'tenants/', 'tenants/-/apps/-'],
  ...['\u0000', 'a\u0000b', '\r\n', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\ufeff', '\u202eevil', '\ud83d\ude00'],
  // Look-alike and combining characters.
  ...['tenants/\u0430cme', 'tenants/ac\u200bme', 'e\u0301', '\u0130', '\u1e9e', '\ufb01', '\uff0e\uff0e\uff0f'],
  ...['__proto__', 'constructor', 'toString', 'null', 'NaN', '1e999', '{}', '{"a":', '%s%n', "'; DROP TABLE --"],
  ...[
    'http://[::1]:0/',
    'https://user:pass@host/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://\u0430.example/',
  ],
];
const long = fc
  .tuple(
    fc.constantFrom('x', '/', 'tenants/', '\u0000', 'é', '\u{1f600}', '[', '{"a":', '%00'),
    fc.constantFrom(64, 257, 4_096, 30_000),
  )
  .map(([part, length]) => part.repeat(length / part.length));

/** Names of resources, by the message that has them. */
const NAMES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/RemoveCredential/, credentials],
  [/App|Credential/, apps],
  [/Connection/, connections],
  [/Tenant/, tenants],
];

function acceptedBy({ name, parent }: DescField): readonly string[] {
  if (name === 'parent') return parent.name.startsWith('AddCredential') ? apps : [...tenants, 'tenants/-'];
  return ACCEPTED[name] ?? NAMES.find(([pattern]) => pattern.test(parent.name))?.[1] ?? names;
}

/** A string of a field, most often one that is accepted. */
export function fuzzedString(field: DescField): Arbitrary<string> {
  const accepted = fc.constantFrom(...acceptedBy(field));
  return fc.oneof(
    { weight: 40, arbitrary: accepted },
    { weight: 2, arbitrary: fc.constantFrom(...BOUNDARIES) },
    { weight: 1, arbitrary: fc.tuple(accepted, fc.constantFrom(...BOUNDARIES)).map(([one, other]) => one + other) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.constantFrom(...names, ...scopes, ...urls, ...directories) },
    { weight: 1, arbitrary: long },
  );
}
