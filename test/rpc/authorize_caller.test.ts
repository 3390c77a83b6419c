import { describe, expect, test } from 'vitest';
import { type Caller, type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { ACCESS, accessDenied, decide, METHODS, targetOf } from '../../src/rpc/pipeline/authorize_caller.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const GET = { name: 'TokenService/GetAccessToken', roles: ['token_reader'] } as const;
const LIST = { name: 'TenantService/ListTenants', roles: ['operator'] } as const;
const STATUS = { name: 'StatusService/GetStatus', roles: ['operator'] } as const;

const callerOf = (...rules: readonly Rule[]): Caller => ({
  id: 'mail',
  kind: 'api_key',
  credentialId: 'k1',
  expireTime: undefined,
  rules,
});
const ceiling = { scopes: ['Mail.ReadOnly'], excess: 'REFUSE' } as const;
const reader = roleRule('reader', 'token_reader', ['acme']);

describe('the resource of a call', () => {
  test.each([
    ['tenants/*', 'ALL', ''],
    ['tenants/-', 'VISIBLE', ''],
    ['tenants/-/connections/ada', 'NONE', ''],
    ['', 'NONE', ''],
    ['acme', 'NONE', ''],
    ['x/tenants/acme', 'NONE', ''],
    ['tenants//connections/ada', 'NONE', ''],
    ['tenants/acme', 'TENANT', 'acme'],
    ['tenants/acme/apps/default', 'TENANT', 'acme'],
    ['tenants/acme/connections/ada', 'CONNECTION', 'acme'],
  ])('%j addresses %s %s', (resource, kind, tenant) => {
    const target = targetOf(resource);
    expect(target).toMatchObject({ kind, tenant });
    expect(target.connection).toBe(kind === 'CONNECTION' ? 'ada' : undefined);
  });
});

describe('a decision', () => {
  test('names the tenant whose list a call may see', () => {
    const operator = callerOf(roleRule('all', 'operator', ['*']));
    const tenantsOf = (resource: string) => {
      const decision = decide(operator, LIST, resource, NOW);
      return decision.isAllowed ? decision.tenants : 'denied';
    };
    expect(tenantsOf('tenants/acme')).toEqual(['acme']);
    expect(tenantsOf('tenants/acme/connections/ada')).toEqual([]);
    expect(tenantsOf('tenants/-')).toBeUndefined();
  });

  test('about all tenants needs a rule for all tenants', () => {
    expect(decide(callerOf(roleRule('one', 'operator', ['acme'])), STATUS, 'tenants/*', NOW).isAllowed).toBe(false);
    expect(decide(callerOf(roleRule('all', 'operator', ['*'])), STATUS, 'tenants/*', NOW).isAllowed).toBe(true);
  });

  test('is limited only if each rule that allows the call has a ceiling', () => {
    const limited = { ...reader, id: 'limited', ceiling };
    const one = decide(callerOf(limited), GET, 'tenants/acme/connections/ada', NOW);
    expect(one).toMatchObject({ isAllowed: true, limited: [limited] });
    // In either order, the rule without a ceiling decides.
    for (const rules of [
      [limited, reader],
      [reader, limited],
    ])
      expect(decide(callerOf(...rules), GET, 'tenants/acme/connections/ada', NOW)).toMatchObject({
        isAllowed: true,
        rule: reader,
        limited: undefined,
      });
  });
});

test('a denial names the caller, the resource and the roles that are needed', () => {
  const denied = accessDenied(callerOf(), { name: 'X/Y', roles: ['operator', 'connector'] }, 'tenants/acme');
  expect(denied.message).toContain('mail may not access tenants/acme');
  expect(denied.message).toContain('operator or connector');
  expect(accessDenied(callerOf(), GET, '').message).toContain('may not call this method');
});

test('rules name each method but those for everyone, with its roles', () => {
  const roles = new Map(METHODS.map((method) => [method.name, method.roles]));
  expect(roles.has('AccessService/WhoAmI')).toBe(false);
  expect(roles.get('TokenService/GetAccessToken')).toEqual(['token_reader']);
  expect(roles.get('TenantService/DeleteTenant')).toEqual(['operator']);
  expect(roles.get('ConnectionService/StartAuthorization')).toEqual(['connector']);
  expect(roles.get('ConnectionService/ImportConnection')).toEqual(['connector', 'operator']);
  expect(roles.get('ScopeService/ListCatalogs')).toEqual(['operator', 'connector', 'token_reader']);
  expect(roles.get('AccessService/ExplainAccess')).toEqual(['admin', 'operator']);
  expect(roles.get('ContainmentService/Contain')).toEqual(['admin']);
});

test('methods about all tenants, or about those that the caller sees, address them', () => {
  const resourceOf = (service: keyof typeof ACCESS, method: string, request: object) =>
    (ACCESS[service] as Record<string, { resource?: (request: object) => string }>)[method]?.resource?.(request);
  expect(resourceOf('tokenvault.v1.KeyService', 'getKeyring', {})).toBe('tenants/*');
  for (const method of ['getTenantKey', 'rotateTenantKey']) {
    expect(resourceOf('tokenvault.v1.KeyService', method, { tenant: 'vault' })).toBe('tenants/*');
    expect(resourceOf('tokenvault.v1.KeyService', method, { tenant: 'tenants/acme' })).toBe('tenants/acme');
  }
  expect(resourceOf('tokenvault.v1.TenantService', 'listTenants', {})).toBe('tenants/-');
  expect(resourceOf('tokenvault.v1.TenantService', 'getTenant', { name: 'tenants/acme' })).toBe('tenants/acme');
  expect(resourceOf('tokenvault.v1.TenantService', 'updateTenant', {})).toBe('');
  expect(resourceOf('tokenvault.v1.AppService', 'updateApp', {})).toBe('');
  expect(resourceOf('tokenvault.v1.AppService', 'listApps', { parent: 'tenants/acme' })).toBe('tenants/acme');
  expect(resourceOf('tokenvault.v1.ConnectionService', 'updateConnection', {})).toBe('');
  expect(resourceOf('tokenvault.v1.TokenService', 'getAccessToken', { connection: 'c' })).toBe('c');
  expect(resourceOf('tokenvault.v1.AccessService', 'explainAccess', { resource: '' })).toBe('tenants/*');
});
