import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { appName, connectionName } from '../../src/model/connection.ts';
import { isVaultError } from '../../src/model/errors.ts';
import { CONNECTION_ID, RESOURCE_ID } from '../../src/model/id_patterns.ts';
import { tenantName } from '../../src/model/tenant.ts';
import {
  checkId,
  credentialName,
  parseAppName,
  parseConnectionName,
  parseCredentialName,
  parseParent,
  parseTenantName,
} from '../../src/rpc/messages/resource_names.ts';

const id = fc.stringMatching(RESOURCE_ID);
const connectionId = fc.stringMatching(CONNECTION_ID);

describe('a name', () => {
  test('is parsed to the ids that it was built from', () => {
    fc.assert(
      fc.property(id, id, id, connectionId, (tenantId, appId, credentialId, connection) => {
        expect(parseTenantName('name', tenantName(tenantId))).toBe(tenantId);
        expect(parseAppName('name', appName({ tenantId, appId }))).toEqual({ tenantId, appId });
        const credential = { tenantId, appId, credentialId };
        expect(parseCredentialName('name', credentialName(credential))).toEqual(credential);
        const ids = { tenantId, connectionId: connection };
        expect(parseConnectionName('name', connectionName(ids))).toEqual(ids);
      }),
    );
  });

  test('of any other form is rejected, and not quoted', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(id, fc.string({ unit: 'binary' })).map(([tenant, rest]) => `tenants/${tenant}/connections/${rest}`),
      fc.tuple(id, id).map(([tenant, app]) => `tenants/${tenant}/apps/${app}/`),
    );
    fc.assert(
      fc.property(hostile, (name) => {
        try {
          const ids = parseConnectionName('connection', name);
          expect(connectionName(ids)).toBe(name);
        } catch (error) {
          if (!isVaultError(error, 'NAME_INVALID')) throw error;
          expect(error.metadata).toMatchObject({
            field: 'connection',
            form: 'tenants/{tenant}/connections/{connection}',
          });
          if (name.length > 12) expect(error.message).not.toContain(name);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    '',
    'tenants/',
    'tenants/-',
    'tenants/Acme',
    'tenants/acme/',
    'tenants/acme\n',
    '/tenants/acme',
    'tenants/acme/../beta',
    'tenants/acme%2f',
    `tenants/a${'b'.repeat(63)}`,
    'tenants/аcme',
  ])('%j is not a tenant name', (name) => {
    expect(() => parseTenantName('name', name)).toThrow(expect.objectContaining({ reason: 'NAME_INVALID' }));
  });

  test('tenants/- means all tenants, only as a parent', () => {
    expect(parseParent('parent', 'tenants/-')).toBeUndefined();
    expect(parseParent('parent', 'tenants/acme')).toBe('acme');
    expect(() => parseParent('parent', '-')).toThrow(expect.objectContaining({ reason: 'NAME_INVALID' }));
  });

  test('a separate id follows the same rule', () => {
    expect(checkId('tenant_id', 'acme')).toBe('acme');
    for (const bad of ['', '-', 'a/b', 'Acme', '9a'])
      expect(() => checkId('tenant_id', bad)).toThrow(expect.objectContaining({ metadata: { field: 'tenant_id' } }));
  });
});
