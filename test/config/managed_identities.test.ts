import { expect, test } from 'vitest';
import { readManagedIdentities } from '../../src/config/parse_managed_identities.ts';

const ONE = '11111111-2222-4333-8444-555555555555';
const OTHER = 'aaaaaaaa-2222-4333-8444-555555555555';

test('each entry names a tenant and an identity, in any case', () => {
  expect(readManagedIdentities(`acme=${ONE}, zeta=${OTHER.toUpperCase()}`)).toEqual([
    { tenantId: 'acme', clientId: ONE },
    { tenantId: 'zeta', clientId: OTHER },
  ]);
});

test.each([ONE, `acme=${ONE}x`, `Acme=${ONE}`, '', `acme=${ONE},`, `acme=${ONE}=${OTHER}`, `*=${ONE}`])(
  '%s is refused',
  (text) => {
    expect(readManagedIdentities(text)).toMatchObject({ fault: expect.stringContaining('TENANT=CLIENT_ID') });
  },
);

test('an identity may be named twice for one tenant', () => {
  expect(readManagedIdentities(`acme=${ONE},acme=${ONE}`)).toHaveLength(2);
});

test('an identity of two tenants is refused', () => {
  const fault = readManagedIdentities(`acme=${ONE},zeta=${ONE.toUpperCase()}`);
  expect(fault).toMatchObject({ fault: expect.stringContaining('named for two tenants') });
});
