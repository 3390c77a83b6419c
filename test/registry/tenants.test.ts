import { beforeEach, describe, expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { etagOf } from '../../src/model/etag.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { createTenants } from '../../src/registry/tenant_operations.ts';
import type { UpdateTenant } from '../../src/registry/tenant_request_types.ts';
import { appFields, DIRECTORY, type OpenRegistry, openRegistry, refusal, registration } from './open_registry.ts';

let registry: OpenRegistry;
let acme: Tenant;
beforeEach(async () => {
  registry = await openRegistry();
  acme = (await registry.tenants.register(registration())).tenant;
  registry.announced.length = 0;
});

const NOTHING = { displayName: '', labels: {}, catalog: '', allowedDirectoryIds: [], expiryThresholdsDays: [] };

function update(change: Partial<UpdateTenant>): UpdateTenant {
  return { tenantId: 'acme', etag: '', updateMask: undefined, fields: NOTHING, ...change };
}

test('lists in the order of ids, page by page, only tenants that the caller may see', async () => {
  for (const tenantId of ['zeta', 'beta']) await registry.tenants.register(registration({ tenantId }));
  const first = await registry.tenants.list({ page: { size: 2, after: undefined }, tenantIds: undefined });
  expect(first.items.map((tenant) => tenant.tenantId)).toEqual(['acme', 'beta']);
  const second = await registry.tenants.list({ page: { size: 2, after: first.next }, tenantIds: undefined });
  expect(second).toMatchObject({ items: [{ tenantId: 'zeta' }], next: undefined });
  const seen = await registry.tenants.list({ page: { size: 9, after: undefined }, tenantIds: ['zeta'] });
  expect(seen.items.map((tenant) => tenant.tenantId)).toEqual(['zeta']);
});

test.each(['get', 'update', 'suspend', 'resume', 'delete'] as const)(
  '%s names a tenant that is not there',
  async (method) => {
    const gone = { tenantId: 'gone', etag: 'x' };
    const work = {
      get: () => registry.tenants.get('gone'),
      update: () => registry.tenants.update(update(gone)),
      suspend: () => registry.tenants.suspend(gone),
      resume: () => registry.tenants.resume(gone),
      delete: () => registry.tenants.delete({ ...gone, force: true }),
    }[method];
    const error = await refusal(work());
    expect([error.reason, error.metadata['resource']]).toEqual(['TENANT_NOT_FOUND', 'tenants/gone']);
  },
);

describe('update', () => {
  test('without a mask changes the fields that are not empty', async () => {
    const fields = { ...NOTHING, displayName: 'Acme Inc', labels: { team: 'x' } };
    const after = await registry.tenants.update(update({ fields }));
    expect(after).toMatchObject({ displayName: 'Acme Inc', labels: { team: 'x' }, catalog: 'microsoft' });
    expect(await registry.tenants.get('acme')).toEqual(after);
    expect(registry.announced).toEqual([{ kind: 'tenant', uid: acme.uid }]);
  });

  test('with a mask changes the fields that it names, also to empty', async () => {
    await registry.tenants.update(update({ fields: { ...NOTHING, labels: { team: 'x' }, catalog: 'aurinko' } }));
    const after = await registry.tenants.update(
      update({
        updateMask: ['labels', 'allowed_directory_ids'],
        fields: { ...NOTHING, displayName: 'not looked at', allowedDirectoryIds: [DIRECTORY] },
      }),
    );
    expect(after).toMatchObject({
      displayName: 'acme',
      labels: {},
      catalog: 'aurinko',
      allowedDirectoryIds: [DIRECTORY],
    });
  });

  test('with * changes all fields, and rejects an empty catalog', async () => {
    const error = await refusal(registry.tenants.update(update({ updateMask: ['*'] })));
    expect(error.metadata['field']).toBe('tenant.catalog');
    expect(await registry.tenants.get('acme')).toEqual(acme);
  });

  test.each(['uid', 'state', 'display_nam', 'constructor', '*,labels', 'displayName'])(
    'refuses the path %s',
    async (path) => {
      const error = await refusal(registry.tenants.update(update({ updateMask: ['labels', path] })));
      expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', 'update_mask']);
      expect(await registry.tenants.get('acme')).toEqual(acme);
      expect(registry.announced).toEqual([]);
    },
  );

  test('fails if a given etag is stale', async () => {
    const stale = etagOf(acme);
    await registry.tenants.update(update({ etag: stale, fields: { ...NOTHING, displayName: 'One' } }));
    const error = await refusal(
      registry.tenants.update(update({ etag: stale, fields: { ...NOTHING, displayName: 'Two' } })),
    );
    expect(error.reason).toBe('ETAG_MISMATCH');
    expect((await registry.tenants.get('acme')).displayName).toBe('One');
  });
});

describe('suspending', () => {
  test('keeps everything, and changes nothing the second time', async () => {
    const suspended = await registry.tenants.suspend({ tenantId: 'acme', etag: '' });
    expect(suspended).toEqual({ ...acme, state: 'SUSPENDED', version: 2 });
    expect(await registry.tenants.suspend({ tenantId: 'acme', etag: '' })).toEqual(suspended);
    const resumed = await registry.tenants.resume({ tenantId: 'acme', etag: etagOf(suspended) });
    expect(resumed.state).toBe('ACTIVE');
    expect(registry.announced).toHaveLength(2);
    expect((await registry.apps.get({ tenantId: 'acme', appId: 'default' })).credentials).toHaveLength(1);
  });
});

describe('deleting', () => {
  test('requires the current etag', async () => {
    const error = await refusal(registry.tenants.delete({ tenantId: 'acme', etag: '', force: true }));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', 'etag']);
    const stale = refusal(registry.tenants.delete({ tenantId: 'acme', etag: 'x.1', force: true }));
    expect((await stale).reason).toBe('ETAG_MISMATCH');
    expect(await registry.tenants.get('acme')).toEqual(acme);
  });

  test('requires force if connections exist, and then deletes them too', async () => {
    const { app } = await registry.apps.get({ tenantId: 'acme', appId: 'default' });
    await registry.connect('acme', 'ada', app);
    const error = await refusal(registry.tenants.delete({ tenantId: 'acme', etag: etagOf(acme), force: false }));
    expect([error.reason, error.metadata['connections']]).toEqual(['TENANT_NOT_EMPTY', '1']);
    expect(await registry.connections.get({ tenantId: 'acme', connectionId: 'ada' })).toBeDefined();

    await registry.tenants.delete({ tenantId: 'acme', etag: etagOf(acme), force: true });
    expect((await refusal(registry.tenants.get('acme'))).reason).toBe('TENANT_NOT_FOUND');
    expect(registry.announced).toEqual([
      { kind: 'app', uid: app.uid },
      { kind: 'tenant', uid: acme.uid },
    ]);
    const again = await registry.tenants.register(registration());
    expect(again.tenant.uid).not.toBe(acme.uid);
  });

  test('is rejected, even with force, while another tenant uses its app', async () => {
    await registry.tenants.register(registration({ tenantId: 'beta' }));
    const shared = await registry.apps.update({
      tenantId: 'acme',
      appId: 'default',
      etag: '',
      updateMask: undefined,
      fields: appFields({ sharedWith: ['tenants/beta'] }),
    });
    await registry.connect('beta', 'bob', shared.app);
    const etag = etagOf(await registry.tenants.get('acme'));
    const error = await refusal(registry.tenants.delete({ tenantId: 'acme', etag, force: true }));
    expect([error.reason, error.metadata['foreignConnections']]).toEqual(['APP_IN_USE', '1']);
    expect(await registry.connections.get({ tenantId: 'beta', connectionId: 'bob' })).toBeDefined();
    expect((await registry.apps.get({ tenantId: 'acme', appId: 'default' })).credentials).toHaveLength(1);
  });

  test('that fails midway still clears the tenant from memory', async () => {
    const { app } = await registry.apps.get({ tenantId: 'acme', appId: 'default' });
    const { parts, announced } = registry;
    const failing = createTenants({
      ...parts,
      stores: {
        ...parts.stores,
        tenants: {
          ...parts.stores.tenants,
          async delete() {
            throw new VaultError('DATABASE_UNAVAILABLE', 'The database cannot grow: the disk is full.');
          },
        },
      },
    });

    const error = await refusal(failing.delete({ tenantId: 'acme', etag: etagOf(acme), force: true }));

    expect(error.reason).toBe('DATABASE_UNAVAILABLE');
    expect(announced).toEqual([
      { kind: 'app', uid: app.uid },
      { kind: 'tenant', uid: acme.uid },
    ]);
  });
});
