import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCallers } from '../../src/config/read_callers_file.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { roleRule } from '../../src/model/authenticated_caller.ts';
import { isVaultError } from '../../src/model/errors.ts';
import { createKeyAuthenticator } from '../../src/rpc/pipeline/api_key_authenticator.ts';
import { callersVocabulary } from '../../src/rpc/pipeline/callers_vocabulary.ts';
import { clock, NOW } from '../rpc/stage.ts';
import { openScopes } from '../scopes/open_scopes.ts';

const vocabulary = callersVocabulary(await openScopes());
const sha = (text: string) => hash('sha256', text, 'hex');

const good = `
version: 1
callers:
  - id: mail-sync
    api_keys:
      - { id: k1, sha256: ${sha('one')}, expire_time: 2027-01-31T00:00:00Z }
      - { id: k2, sha256: ${sha('two').toUpperCase()}, expire_time: 2027-12-31T00:00:00+01:00 }
    rules:
      - { id: reads, role: token_reader, tenants: ['*'] }
      - { id: connects, role: connector, tenants: [acme, beta] }
      - { id: administers, role: admin, tenants: ['*'] }
end: true
`;

/** The callers of two files. */
function twice(other: string): string {
  const callersOf = (text: string) => text.slice(text.indexOf('  - id')).replace('end: true\n', '');
  return `version: 1\ncallers:\n${callersOf(good)}${callersOf(other)}end: true\n`;
}

function faultsOf(text: string): string {
  try {
    readCallers(text, 'callers.yaml', vocabulary);
  } catch (error) {
    if (isVaultError(error, 'FIELD_INVALID')) return error.message;
    throw error;
  }
  return '';
}

describe('a callers file', () => {
  test('lists callers with their keys and rules', () => {
    const { keys: known } = readCallers(good, 'callers.yaml', vocabulary);

    expect(known).toMatchObject([
      {
        sha256: sha('one'),
        caller: { id: 'mail-sync', credentialId: 'k1', expireTime: Date.parse('2027-01-31T00:00:00Z') },
      },
      {
        sha256: sha('two'),
        caller: { credentialId: 'k2', kind: 'api_key', expireTime: Date.parse('2027-12-30T23:00:00Z') },
      },
    ]);
    expect(known[0]?.caller.rules).toEqual([
      roleRule('reads', 'token_reader', ['*']),
      roleRule('connects', 'connector', ['acme', 'beta']),
      roleRule('administers', 'admin', ['*']),
    ]);
  });

  test('selects tenants by labels', () => {
    const text = good.replace('tenants: [acme, beta]', 'tenants: { access.tier: gold, access.region: eu }');
    const { keys } = readCallers(text, 'callers.yaml', vocabulary);
    expect(keys[0]?.caller.rules[1]).toMatchObject({
      tenants: [],
      tenantLabels: { 'access.tier': 'gold', 'access.region': 'eu' },
    });
  });

  test('is rejected with all faults at once, each by its path', () => {
    const faults = faultsOf(`
version: 2
callers:
  - id: Mail Sync
    api_keys: [{ id: k1, sha256: abc }]
    rules: [{ id: reads, role: reader, tenants: [] }]
    roles: []
`);

    expect(faults).toContain('callers.yaml: version must be 1');
    expect(faults).toContain('end must be true');
    expect(faults).toContain('callers[0].id must');
    expect(faults).toContain('callers[0].api_keys[0].sha256 must');
    expect(faults).toContain('callers[0].rules[0].role must be one of operator, connector, token_reader, admin');
    expect(faults).toContain('callers[0].rules[0].tenants must');
    expect(faults).toContain('roles');
  });

  test.each([
    [
      'more than two keys per caller',
      good.replace(
        '    rules:',
        `      - { id: k3, sha256: ${sha('three')}, expire_time: 2027-01-31T00:00:00Z }\n    rules:`,
      ),
      'two keys',
    ],
    ['a key of two callers', twice(good.replace('mail-sync', 'other')), `sha256 ${sha('one')} occurs twice`],
    ['a duplicate caller', twice(good), 'caller id mail-sync occurs twice'],
    ['no callers', 'version: 1\ncallers: []\nend: true', 'at least one caller'],
    ['no content', '', 'must be given'],
    ['a duplicate field', `${good}\ncallers: []`, 'DUPLICATE_KEY'],
    ['another version', good.replace('version: 1', 'version: 2'), 'version must be 1'],
    [
      'the end before the callers',
      good.replace('version: 1', 'version: 1\nend: true').replace(/end: true\n$/, ''),
      'order',
    ],
    ['no administrator', good.replace('role: admin', 'role: operator'), 'the role admin'],
    [
      'an administrator of one tenant',
      good.replace("admin, tenants: ['*']", 'admin, tenants: [acme]'),
      'the role admin',
    ],
    ['a key without an expiry', good.replace(', expire_time: 2027-01-31T00:00:00Z', ''), 'expire_time must be given'],
    [
      'a rate of a DENY rule',
      good.replace(
        "token_reader, tenants: ['*']",
        "token_reader, effect: DENY, rate: { per_second: 1, burst: 1 }, tenants: ['*']",
      ),
      'may have a rate only with effect ALLOW',
    ],
    [
      'a rate that allows no call',
      good.replace("token_reader, tenants: ['*']", "token_reader, rate: { per_second: 0, burst: 0.5 }, tenants: ['*']"),
      'rate.per_second must be at least 0.001',
    ],
    [
      'labels of tenants without the prefix',
      good.replace("token_reader, tenants: ['*']", 'token_reader, tenants: { tier: gold }'),
      'rules[0].tenants must be a list of ids of tenants, or labels such as { access.tier: gold }',
    ],
    [
      'no labels of tenants',
      good.replace("token_reader, tenants: ['*']", 'token_reader, tenants: {}'),
      'rules[0].tenants must be a list',
    ],
    [
      'an administrator of tenants with labels alone',
      good.replace("admin, tenants: ['*']", 'admin, tenants: { access.tier: gold }'),
      'the role admin',
    ],
    ['an invalid tenant id', good.replace('acme', 'Acme!'), 'tenants[0]'],
    ['an expiry without a time zone', good.replace('2027-01-31T00:00:00Z', '"2027-01-31"'), 'expire_time'],
  ])('is rejected with %s', (_, text, fault) => {
    expect(faultsOf(text)).toContain(fault);
  });

  const certified = (...certificates: readonly string[]) =>
    good.replace('    rules:', `    certificates: [${certificates.join(', ')}]\n    rules:`);

  test('lists client certificates by SPIFFE id or DNS name, beside API keys or without one', () => {
    const text = certified(
      '{ id: pod, spiffe_id: "spiffe://acme.example/ns/mail/sa/sync" }',
      '{ id: vm, dns_name: a.acme.example }',
    );
    const { keys, certificates } = readCallers(text, 'x', vocabulary);

    expect(keys).toHaveLength(2);
    expect(certificates).toMatchObject([
      {
        subject: 'spiffe://acme.example/ns/mail/sa/sync',
        caller: { id: 'mail-sync', kind: 'certificate', credentialId: 'pod' },
      },
      { subject: 'a.acme.example', caller: { credentialId: 'vm', expireTime: undefined } },
    ]);
    const withoutKeys = text.replace(/ {4}api_keys:\n(?: {6}-.*\n)+/, '');
    expect(readCallers(withoutKeys, 'x', vocabulary)).toMatchObject({ keys: [], certificates });
  });

  test.each([
    [
      'without a credential',
      good.replace(/ {4}api_keys:\n(?: {6}-.*\n)+/, ''),
      'must have api_keys, certificates or tokens',
    ],
    [
      'with a certificate of two names',
      certified('{ id: a, spiffe_id: "spiffe://a/b", dns_name: a.b }'),
      'either spiffe_id or dns_name',
    ],
    ['with a certificate without a name', certified('{ id: a }'), 'either spiffe_id or dns_name'],
    ['with a SPIFFE id that climbs', certified('{ id: a, spiffe_id: "spiffe://a/b/../c" }'), 'spiffe_id must be'],
    ['with a wildcard', certified('{ id: a, dns_name: "*.acme.example" }'), 'dns_name must be'],
    [
      'with an id for two credentials',
      certified('{ id: k1, dns_name: a.b }'),
      'credential id of mail-sync k1 occurs twice',
    ],
    [
      'with one certificate twice',
      certified('{ id: a, dns_name: a.b }', '{ id: b, dns_name: a.b }'),
      'certificate a.b occurs twice',
    ],
  ])('has no caller %s', (_, text, fault) => {
    expect(faultsOf(text)).toContain(fault);
  });

  const ENTRA =
    '  - { id: entra, kind: entra, directory_id: D0000000-0000-4000-8000-000000000001, audiences: [api://token-vault] }\n';
  const issuers = `issuers:
  - { id: cluster, kind: kubernetes, issuer: https://k8s.example, audiences: [token-vault], algorithms: [RS256], jwks: { url: https://k8s.example/openid/v1/jwks, ca_file: /run/ca.crt, token_file: /run/token } }
${ENTRA}  - { id: spire, kind: spiffe, trust_domain: example.org, audiences: [token-vault], algorithms: [ES256], jwks: { file: /run/jwks.json } }
`;
  const APP = 'a0000000-0000-4000-8000-000000000001';
  const withTokens = (tokens: readonly string[], sections = issuers) =>
    good
      .replace('callers:', `${sections}callers:`)
      .replace('    rules:', `    tokens: [${tokens.join(', ')}]\n    rules:`);

  test('lists issuers, and tokens by service account, app or SPIFFE id', () => {
    const known = readCallers(
      withTokens([
        '{ id: pod, issuer: cluster, namespace: mail, service_account: sync }',
        `{ id: app, issuer: entra, client_id: ${APP.toUpperCase()} }`,
        '{ id: workload, issuer: spire, spiffe_id: "spiffe://example.org/mail" }',
      ]),
      'x',
      vocabulary,
    );

    expect(known.tokens).toMatchObject([
      {
        issuerId: 'cluster',
        subject: 'system:serviceaccount:mail:sync',
        caller: { id: 'mail-sync', kind: 'token', credentialId: 'pod' },
      },
      { issuerId: 'entra', subject: APP },
      { issuerId: 'spire', subject: 'spiffe://example.org/mail' },
    ]);
    expect(known.issuers).toMatchObject([
      { id: 'cluster', jwks: { caFile: '/run/ca.crt', tokenFile: '/run/token' } },
      {
        algorithms: ['RS256'],
        jwks: { url: 'https://login.microsoftonline.com/d0000000-0000-4000-8000-000000000001/discovery/v2.0/keys' },
      },
      { trustDomain: 'example.org', issuer: undefined, jwks: { file: '/run/jwks.json' } },
    ]);
  });

  const pod = '{ id: pod, issuer: cluster, namespace: mail, service_account: sync }';
  const entra = (fields: string) => issuers.replace('kind: entra,', `kind: entra, ${fields},`);

  test.each([
    ['alg none', issuers.replace('[RS256]', '[none]'), 'algorithms[0] must be one of RS256'],
    ['a shared key', issuers.replace('[RS256]', '[RS256, HS256]'), 'algorithms[1] must be one of RS256'],
    ['no algorithm', issuers.replace('[RS256]', '[]'), 'must name the algorithm'],
    ['no audience', issuers.replace('[token-vault]', '[]'), 'must name the audience'],
    [
      'an issuer without https',
      issuers.replace('issuer: https:', 'issuer: http:'),
      'issuers[0].issuer must be the https URL',
    ],
    ['a plain address', issuers.replace('url: https:', 'url: http:'), 'url must be https'],
    ['an address with a password', issuers.replace('url: https://', 'url: https://a:b@'), 'no user name or password'],
    ['a file and an address', issuers.replace('ca_file:', 'file:'), 'either file, or url'],
    ['a relative path', issuers.replace('/run/jwks', 'run/jwks'), 'absolute path'],
    ['another kind', issuers.replace('kind: entra', 'kind: oidc'), 'kubernetes, entra or spiffe'],
    ['a directory that is no GUID', issuers.replace('D0000000', 'common'), 'directory_id must be'],
    ['two issuers of one directory', `${issuers}${ENTRA.replace('id: entra', 'id: second')}`, 'v2.0 occurs twice'],
    ['two issuers of one id', `${issuers}${ENTRA.replace('D0', 'D1')}`, 'issuer id entra occurs twice'],
    ['an unknown field', entra('tenant: acme'), 'unknown fields: tenant'],
  ])('is rejected with an issuer with %s', (_, sections, fault) => {
    expect(faultsOf(withTokens([pod], sections))).toContain(fault);
  });

  test.each([
    ['of an unknown issuer', [pod.replace('cluster', 'other')], 'which is not in issuers'],
    ['without a namespace', [pod.replace('namespace: mail, ', '')], 'must have namespace and service_account'],
    ['of another kind of subject', [pod.replace('cluster', 'entra')], 'must have client_id'],
    ['of two subjects', [pod.replace('pod', `pod, client_id: ${APP}`)], 'no other subject'],
    [
      'of another trust domain',
      ['{ id: a, issuer: spire, spiffe_id: "spiffe://other.org/a" }'],
      'a SPIFFE id of example.org',
    ],
    [
      'that occurs twice',
      [pod, pod.replace('pod', 'pod2')],
      'token of cluster system:serviceaccount:mail:sync occurs twice',
    ],
    ['with a name of further parts', [pod.replace('sync', '"sync:x"')], 'service_account must be'],
  ])('is rejected with a token %s', (_, tokens, fault) => {
    expect(faultsOf(withTokens(tokens))).toContain(fault);
  });

  test('is rejected with issuers after the callers or after the end, or if it is cut off after them', () => {
    expect(faultsOf(good.replace('end: true', `${issuers}end: true`))).toContain('in this order');
    expect(faultsOf(`${good}${issuers}`)).toContain('order');
    expect(faultsOf(`version: 1\n${issuers}`)).toContain('must');
  });

  test('has rules with effects, actions, connections and an end', () => {
    const rule = `{ id: block, effect: DENY, actions: [TokenService/GetAccessToken, TenantService/*, '*'], tenants: [acme], connections: ceo-*, not_after: 2027-01-01T00:00:00Z }`;
    const known = readCallers(good.replace("{ id: reads, role: token_reader, tenants: ['*'] }", rule), 'x', vocabulary);

    expect(known.keys[0]?.caller.rules[0]).toEqual({
      id: 'block',
      effect: 'DENY',
      role: undefined,
      actions: ['TokenService/GetAccessToken', 'TenantService/*', '*'],
      tenants: ['acme'],
      connections: 'ceo-*',
      ceiling: undefined,
      notAfter: Date.parse('2027-01-01T00:00:00Z'),
    });
  });

  test('has rules with a ceiling of product scopes and permissions', () => {
    const scopes = ['Mail.Draft', 'Calendars.Read', 'https://outlook.office.com/SMTP.Send', 'api://x/.default'];
    const rule = `role: token_reader, scopes: ${JSON.stringify(scopes)}, excess: REFUSE,`;
    const { keys } = readCallers(good.replace('role: token_reader,', rule), 'x', vocabulary);
    expect(keys[0]?.caller.rules[0]?.ceiling).toEqual({ scopes, excess: 'REFUSE' });
  });

  test.each([
    ['an unknown action', 'actions: [TokenService/GetToken]', '"TokenService/GetToken" is no action'],
    ['an unknown service', 'actions: [TokensService/*]', '"TokensService/*" is no action'],
    ['all actions', "actions: ['*']", 'in a DENY rule only'],
    ['a role and actions', "role: operator, actions: ['TenantService/*']", 'either role or actions'],
    ['neither a role nor actions', '', 'either role or actions'],
    ['a glob of other characters', 'role: operator, connections: a/b', 'connections must be'],
    ['an unknown effect', 'role: operator, effect: deny', 'ALLOW or DENY'],
    ['scopes without excess', 'role: token_reader, scopes: [Mail.Read]', 'scopes and excess together'],
    ['excess without scopes', 'role: token_reader, excess: REFUSE', 'scopes and excess together'],
    ['an unknown scope', 'role: token_reader, scopes: [Mail.Raed], excess: REFUSE', '"Mail.Raed" is neither a scope'],
    [
      'a scope of look-alike letters',
      'role: token_reader, scopes: [M\u0430il.Read], excess: REFUSE',
      'is neither a scope',
    ],
    ['scopes of a connector', 'role: connector, scopes: [Mail.Read], excess: REFUSE', 'may have scopes only with'],
    [
      'scopes of DENY',
      'role: token_reader, effect: DENY, scopes: [Mail.Read], excess: ALLOW',
      'may have scopes only with',
    ],
    [
      'scopes of other actions',
      "actions: ['TokenService/*', 'TenantService/*'], scopes: [Mail.Read], excess: ALLOW",
      'may have scopes only with',
    ],
    ['an end without a time zone', 'role: operator, not_after: "2027-01-31"', 'not_after must be'],
  ])('is rejected with a rule with %s', (_, fields, fault) => {
    const text = good.replace('role: token_reader,', fields === '' ? '' : `${fields},`);
    expect(faultsOf(text)).toContain(fault);
  });

  test('is rejected wherever it is cut off', () => {
    const lines = good.split('\n');
    for (let count = 0; count < lines.length - 1; count++)
      expect(faultsOf(lines.slice(0, count).join('\n')), `${count} lines`).not.toBe('');
    for (let length = 0; length < good.trimEnd().length; length++)
      expect(faultsOf(good.slice(0, length)), `${length} characters`).not.toBe('');
    expect(faultsOf(good)).toBe('');
  });

  test('does not quote a key that was written in place of its hash', () => {
    const { key } = newApiKey('mail');
    const faults = faultsOf(good.replace(sha('one'), key));
    expect(faults).toContain('sha256');
    expect(faults).not.toContain(key);
  });

  test('is rejected without a crash, whatever it contains', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(faultsOf(text)).not.toBe('');
      }),
    );
    expect(faultsOf(`callers: &a [*a]`)).not.toBe('');
  });
});

describe('a new API key', () => {
  test('is recognized by its hash', () => {
    const { key, sha256 } = newApiKey('mail-sync');
    expect(key).toMatch(/^tv1_mail-sync_[\w-]{43}$/);

    const current = readCallers(good.replace(sha('one'), sha256), 'callers.yaml', vocabulary);
    const authenticator = createKeyAuthenticator({ current }, clock);

    expect(authenticator.authenticate(`Bearer ${key}`).id).toBe('mail-sync');
    expect(authenticator.authenticate(`bearer ${key}`).id).toBe('mail-sync');
    for (const wrong of [
      '',
      key,
      `Basic ${key}`,
      `Bearer ${key}x`,
      `Bearer ${key} `,
      `Bearer ${newApiKey('mail-sync').key}`,
    ])
      expect(() => authenticator.authenticate(wrong)).toThrow(expect.objectContaining({ reason: 'UNAUTHENTICATED' }));
    expect(NOW).toBeLessThan(Date.parse('2027-01-31T00:00:00Z'));
  });

  test('requires a valid caller id', () => {
    expect(() => newApiKey('Mail_Sync')).toThrow(expect.objectContaining({ reason: 'FIELD_INVALID' }));
  });
});
