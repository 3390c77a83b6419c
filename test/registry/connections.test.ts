import { beforeEach, expect, test } from 'vitest';
import { changeOf } from '../../src/model/connection.ts';
import { etagOf } from '../../src/model/etag.ts';
import type { ListConnections, UpdateConnection } from '../../src/registry/connection_operations.ts';
import { type OpenRegistry, openRegistry, refusal, registerWithApp, registration } from './open_registry.ts';

let registry: OpenRegistry;
const ADA = { tenantId: 'acme', connectionId: 'ada', etag: '' };
beforeEach(async () => {
  registry = await openRegistry();
  for (const tenantId of ['acme', 'beta']) {
    const { app } = await registerWithApp(registry.tenants, registration({ tenantId }));
    await registry.connect(tenantId, 'ada', app.app, { externalId: `${tenantId}-1`, labels: { team: tenantId } });
  }
  registry.announced.length = 0;
});

async function names(request: Partial<ListConnections>): Promise<string[]> {
  const any = {
    tenantId: undefined,
    tenantIds: undefined,
    state: undefined,
    objectId: undefined,
    directoryId: undefined,
  };
  const all = { ...any, externalId: '', username: '', label: '' };
  const page = await registry.connections.list({ ...all, page: { size: 9, after: undefined }, ...request });
  return page.items.map(({ tenantId, connectionId }) => `${tenantId}/${connectionId}`);
}

function update(change: Partial<UpdateConnection>) {
  return registry.connections.update({
    ...ADA,
    updateMask: undefined,
    fields: { externalId: '', labels: {} },
    ...change,
  });
}

test('lists by tenant, by visible tenants, by external id, label and state', async () => {
  expect(await names({})).toEqual(['acme/ada', 'beta/ada']);
  expect(await names({ tenantId: 'beta' })).toEqual(['beta/ada']);
  expect(await names({ tenantIds: ['acme'] })).toEqual(['acme/ada']);
  expect(await names({ externalId: 'beta-1' })).toEqual(['beta/ada']);
  expect(await names({ label: 'team=acme' })).toEqual(['acme/ada']);
  expect(await names({ state: 'ACTIVE' })).toEqual([]);
  expect((await refusal(names({ label: 'team' }))).metadata['field']).toBe('label');
  expect((await refusal(names({ tenantId: 'gone' }))).reason).toBe('TENANT_NOT_FOUND');
});

test('an external id of another connection of the tenant is rejected with the name of that connection', async () => {
  const [app] = (await registry.stores.apps.list({ size: 1, after: undefined }, ['acme'])).items;
  if (app === undefined) throw new Error('no app');
  const bob = await registry.connect('acme', 'bob', app, { externalId: 'acme-2' });
  const taking = update({ connectionId: 'bob', fields: { externalId: 'acme-1', labels: {} } });
  expect(await refusal(taking)).toMatchObject({
    reason: 'CONNECTION_EXISTS',
    metadata: { field: 'external_id', resource: 'tenants/acme/connections/ada' },
  });
  expect(await registry.connections.get({ tenantId: 'acme', connectionId: 'bob' })).toEqual(bob);
  expect((await update({ fields: { externalId: 'beta-1', labels: {} } })).externalId).toBe('beta-1');
});

test('updates external id and labels, and never the grant', async () => {
  const after = await update({ fields: { externalId: 'x', labels: { a: 'b' } } });
  expect(after).toMatchObject({ externalId: 'x', labels: { a: 'b' } });
  expect((await update({ updateMask: ['external_id'] })).externalId).toBeUndefined();
  expect((await refusal(update({ updateMask: ['scopes'] }))).metadata['field']).toBe('update_mask');
  expect((await refusal(update({ fields: { externalId: 'x'.repeat(257), labels: {} } }))).metadata['field']).toBe(
    'connection.external_id',
  );
  expect((await refusal(update({ etag: etagOf({ ...after, version: 99 }) }))).reason).toBe('ETAG_MISMATCH');
  expect(registry.announced).toHaveLength(2);
});

test('suspends and resumes; the second time changes nothing', async () => {
  const before = await registry.connections.get(ADA);
  const suspended = await registry.connections.suspend(ADA);
  expect(suspended).toMatchObject({ suspendTime: registry.clock.now(), grantState: before.grantState });
  expect(await registry.connections.suspend(ADA)).toEqual(suspended);
  expect(
    (await registry.connections.resume({ ...ADA, etag: etagOf(changeOf(suspended)) })).suspendTime,
  ).toBeUndefined();
  await registry.connections.resume(ADA);
  expect(registry.announced).toEqual([
    { kind: 'connection', uid: before.uid },
    { kind: 'connection', uid: before.uid },
  ]);
});

test('deletes, and accepts a missing one only with allow_missing', async () => {
  const { uid } = await registry.connections.get(ADA);
  await registry.connections.delete({ ...ADA, allowMissing: false });
  expect(registry.announced).toEqual([{ kind: 'connection', uid }]);
  expect(await refusal(registry.connections.delete({ ...ADA, allowMissing: false }))).toMatchObject({
    reason: 'CONNECTION_NOT_FOUND',
    message: expect.stringMatching(/^(?!.*connect the user).*allow_missing/),
    metadata: { resource: 'tenants/acme/connections/ada' },
  });
  await registry.connections.delete({ ...ADA, allowMissing: true });
  const stale = registry.connections.delete({ ...ADA, tenantId: 'beta', etag: 'x.1', allowMissing: true });
  expect((await refusal(stale)).reason).toBe('ETAG_MISMATCH');
  expect(await names({})).toEqual(['beta/ada']);
});
