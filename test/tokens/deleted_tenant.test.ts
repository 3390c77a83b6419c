import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeyVaultCertificates } from '../../src/keyring/keyvault_certificates.ts';
import { createManagedIdentities } from '../../src/keyring/managed_identity_tokens.ts';
import { etagOf } from '../../src/model/etag.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { createTenants } from '../../src/registry/tenant_operations.ts';
import { createFakeSecretSource } from '../registry/fake_secret_source.ts';
import { ask, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

/** More than one batch of a deletion. */
const CONNECTIONS = 600;

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

test('while a tenant is deleted, none of its tokens is served from memory', async () => {
  const { stores, tenant } = world;
  const tokens = world.open();
  const ada = await world.connect('ada');
  await tokens.get(ask('ada'));
  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  for (let count = 0; count < CONNECTIONS; count += 1) {
    await stores.connections.create({ ...ada, uid: newUid(), connectionId: `other-${count}`, grantState: 'PENDING' });
  }
  const registry = createTenants({
    ...world,
    secretSource: createFakeSecretSource(),
    assertionFiles: { check: async () => {} },
    managedIdentities: createManagedIdentities([]),
    certificates: createKeyVaultCertificates({ vaults: [], keySource: 'file:./kek' }),
    callbackUri: '',
    logosUri: '',
    newUid,
  });
  const deleting = registry.delete({ tenantId: 'acme', etag: etagOf(tenant), force: true });

  while ((await stores.tenants.find('acme'))?.state === 'ACTIVE') await setImmediate();

  expect((await stores.tenants.find('acme'))?.state).toBe('SUSPENDED');
  // Whether this connection was deleted already or not.
  expect(['TENANT_SUSPENDED', 'CONNECTION_NOT_FOUND']).toContain(await reasonOf(() => tokens.get(ask('ada'))));
  await deleting;
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('TENANT_NOT_FOUND');
});
