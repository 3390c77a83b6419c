import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConnectionsFile } from '../../src/cli/import/parse_connection_json.ts';
import { parseJson } from '../../src/cli/import/sources/read_connections_jsonl_file.ts';

const CANARY = '0.AXoA-canary-refresh-token';
const LINE = { connection: 'ada', refresh_token: CANARY, scopes: ['Mail.ReadOnly'], tenant: 'acme' };
const NONE = { scopes: [] };

/** The rejection of the line, if any. */
function flawOf(value: unknown, defaults = NONE) {
  const read = readConnectionsFile(value, 7, defaults);
  return 'rejected' in read ? read.rejected : undefined;
}

test('reads all fields of a line', () => {
  const read = readConnectionsFile(
    {
      ...LINE,
      app: 'second',
      external_id: 'U123',
      labels: { plan: 'gold' },
      account: {
        directory_id: 'c0c0c0c0-0000-4000-8000-000000000001',
        object_id: 'ADA0ADA0-0000-4000-8000-000000000001',
        username: 'ada@contoso.example',
        display_name: 'Ada',
        email: 'ada@contoso.example',
      },
      client_id: '11111111-1111-4111-8111-11111111111A',
    },
    7,
    NONE,
  );

  expect(read).toMatchObject({
    line: 7,
    thing: {
      tenantId: 'acme',
      connectionId: 'ada',
      app: 'tenants/acme/apps/second',
      scopes: ['Mail.ReadOnly'],
      externalId: 'U123',
      labels: { plan: 'gold' },
      account: { username: 'ada@contoso.example', displayName: 'Ada' },
      clientId: '11111111-1111-4111-8111-11111111111a',
    },
  });
});

test('takes tenant, scopes and app from the command line if the line omits them or has null', () => {
  const defaults = { tenantId: 'acme', scopes: ['Mail.Send'], app: 'tenants/acme/apps/default' };
  const entry = (line: object) => {
    const read = readConnectionsFile(line, 1, defaults);
    return 'thing' in read ? read.thing : read.rejected;
  };
  const bare = { connection: 'ada', refresh_token: CANARY, tenant: null, scopes: null, account: { email: null } };

  expect(entry(bare)).toMatchObject({ tenantId: 'acme', scopes: ['Mail.Send'], app: 'tenants/acme/apps/default' });
  expect(entry({ ...bare, tenant: 'other' })).toMatchObject({ tenantId: 'other', app: undefined });
  expect(entry({ ...bare, app: 'tenants/platform/apps/shared' })).toMatchObject({
    app: 'tenants/platform/apps/shared',
  });
});

test.each([
  ['no refresh token', { ...LINE, refresh_token: undefined }, 'FIELD_INVALID', 'refresh_token is missing'],
  ['a token with a line feed', { ...LINE, refresh_token: `${CANARY}\n` }, 'FIELD_INVALID', 'refresh_token must be'],
  ['no connection', { ...LINE, connection: undefined }, 'FIELD_INVALID', 'connection is missing'],
  [
    'an e-mail address as connection',
    { ...LINE, connection: 'ada@contoso.example' },
    'FIELD_INVALID',
    'connection must',
  ],
  ['no tenant', { ...LINE, tenant: undefined }, 'FIELD_INVALID', 'tenant is missing'],
  ['no scopes', { ...LINE, scopes: [] }, 'FIELD_INVALID', 'scopes are missing'],
  ['a misspelled field', { ...LINE, refreshtoken: 'x' }, 'FIELD_UNKNOWN', 'there is no field refreshtoken'],
  [
    'a misspelled field of account',
    { ...LINE, account: { mail: 'x' } },
    'FIELD_UNKNOWN',
    'there is no field account.mail',
  ],
  ['an invalid client id', { ...LINE, client_id: 'acme' }, 'FIELD_INVALID', 'client_id must be a GUID'],
  ['labels with a bad key', { ...LINE, labels: { 'a b': 'x' } }, 'FIELD_INVALID', 'keys must match'],
  ['a list', [LINE], 'FIELD_INVALID', 'must hold one JSON object'],
  ['null', null, 'FIELD_INVALID', 'must hold one JSON object'],
])('refuses %s with its line, its name and the problem', (_, value, reason, why) => {
  const flaw = flawOf(value);

  expect(flaw).toMatchObject({ outcome: 'REFUSED', line: 7, reason, why: expect.stringContaining(why) });
});

test('all problems of a line are reported together', () => {
  const { why } = flawOf({ conection: 'ada', tenant: 'Acme' }) ?? { why: '' };

  for (const field of ['conection', 'connection', 'refresh_token', 'tenant']) expect(why).toContain(field);
});

test('a refresh token in a wrong field is never printed', () => {
  const token = `0.AXoA${'kKlm-_.9'.repeat(40)}`;
  const fields = [
    'connection',
    'tenant',
    'app',
    'client_id',
    'external_id',
    'scopes',
    'labels',
    'account',
    token,
  ] as const;
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.constantFrom(token, [token], { [token]: token }), (field, value) => {
      const flaw = flawOf({ ...LINE, [field]: value });

      expect(flaw, field).toBeDefined();
      expect(JSON.stringify(flaw)).not.toContain('0.AXoA');
    }),
  );
});

test('an entry cannot print its token', () => {
  const read = readConnectionsFile(LINE, 1, NONE);

  expect(inspect(read, { depth: null }) + JSON.stringify(read)).not.toContain(CANARY);
});

test('an invalid line is reported with its column, and without its content', () => {
  expect(parseJson(`{"connection":"ada","refresh_token":"${CANARY}}`)).toEqual({ column: expect.any(Number) });
  expect(parseJson('{"connection": ada}')).toEqual({ column: 16 });
  expect(parseJson('{"a":1} {"b":2}')).toEqual({ column: 9 });
  fc.assert(
    fc.property(fc.string(), (text) => {
      const line = parseJson(text);
      if ('column' in line) expect(line.column).toBeLessThanOrEqual(text.length + 1);
      else expect(line.value).toEqual(JSON.parse(text));
    }),
  );
});
