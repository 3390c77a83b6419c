import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { createChanges } from '../../src/model/resource_change_announcements.ts';
import { NO_LABELS } from '../../src/model/tenant_labels.ts';
import { followTenantLabels } from '../../src/registry/follow_tenant_labels.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { type OpenRegistry, openRegistry, refusal, registration } from './open_registry.ts';

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
  await registry.tenants.register(registration({ labels: { team: 'x' } }));
});

const GOLD = { 'access.tier': 'gold' };
const set = (labels: Readonly<Record<string, string>>, tenantId = 'acme') =>
  registry.tenants.setAccessLabels({ tenantId, etag: '', labels });

function update(labels: Readonly<Record<string, string>>, updateMask: readonly string[] | undefined = ['labels']) {
  const fields = { displayName: '', labels, catalog: 'microsoft', allowedDirectoryIds: [], expiryThresholdsDays: [] };
  return registry.tenants.update({ tenantId: 'acme', etag: '', updateMask, fields });
}

describe('SetAccessLabels', () => {
  test('replaces the labels with the prefix, and keeps the others', async () => {
    expect(await set(GOLD)).toMatchObject({ tenant: { labels: { team: 'x', ...GOLD } }, before: { team: 'x' } });
    const { tenant, before } = await set({ 'access.region': 'eu' });
    expect(before).toEqual({ team: 'x', ...GOLD });
    expect(tenant.labels).toEqual({ team: 'x', 'access.region': 'eu' });
    expect((await set({})).tenant.labels).toEqual({ team: 'x' });
    expect(await registry.tenants.get('acme')).toMatchObject({ labels: { team: 'x' } });
  });

  test('rejects other labels, malformed ones, and another etag', async () => {
    expect(await refusal(set({ team: 'y' }))).toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'labels' } });
    expect((await refusal(set({ 'access.Tier': 'gold' }))).reason).toBe('FIELD_INVALID');
    const stale = registry.tenants.setAccessLabels({ tenantId: 'acme', etag: 'other', labels: GOLD });
    expect((await refusal(stale)).reason).toBe('ETAG_MISMATCH');
    expect((await refusal(set(GOLD, 'gone'))).reason).toBe('TENANT_NOT_FOUND');
  });
});

describe('an operator', () => {
  test.each([
    ['a new one', { team: 'y', ...GOLD, 'access.region': 'eu' }],
    ['another value', { 'access.tier': 'silver' }],
  ])('who sets a label for rules gets ACCESS_DENIED: %s', async (_, labels) => {
    await set(GOLD);
    const error = await refusal(update(labels));
    expect(error).toMatchObject({ reason: 'ACCESS_DENIED', metadata: { field: 'tenant.labels' } });
    expect(error.message).toContain('SetAccessLabels');
    expect((await registry.tenants.get('acme')).labels).toEqual({ team: 'x', ...GOLD });
  });

  test('cannot register a tenant with one', async () => {
    const error = await refusal(registry.tenants.register(registration({ tenantId: 'beta', labels: GOLD })));
    expect(error.reason).toBe('ACCESS_DENIED');
    expect((await refusal(registry.tenants.get('beta'))).reason).toBe('TENANT_NOT_FOUND');
  });

  test.each([
    ['leaves them out', {}],
    ['sends back what was read', GOLD],
  ])('changes other labels and keeps those for rules if it %s', async (_, access) => {
    await set(GOLD);
    expect((await update({ team: 'y', ...access })).labels).toEqual({ team: 'y', ...GOLD });
    expect((await update({ ...access }, ['*'])).labels).toEqual(GOLD);
  });
});

describe('labels in memory', () => {
  const CHANGE = { kind: 'tenant' } as const;
  type Read = Stores['tenants']['withAccessLabels'];

  async function follow({ read, feed }: { read?: (original: Read) => Read; feed?: { stale: boolean } } = {}) {
    const original = registry.stores.tenants.withAccessLabels;
    const changes = createChanges();
    const pauses: (() => void)[] = [];
    const labels = await followTenantLabels({
      stores: { tenants: { withAccessLabels: read?.(original) ?? original } },
      changes,
      feed,
      sleep: () => new Promise((resolve) => pauses.push(resolve)),
    });
    onTestFinished(labels.close);
    const changed = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = labels.listen(() => {
        stop();
        resolve();
      });
      return promise;
    };
    return { labels, changes, changed, pauses };
  }

  test('are read at the start, and again after a change', async () => {
    const { tenant } = await set(GOLD);
    await registry.tenants.register(registration({ tenantId: 'beta' }));
    const { labels, changes, changed } = await follow();
    expect([labels.of('acme'), labels.of('beta'), labels.of('gone')]).toEqual([GOLD, NO_LABELS, NO_LABELS]);
    expect([labels.select(GOLD), labels.select({ 'access.tier': 'silver' })]).toEqual([['acme'], []]);

    for (const next of [{ 'access.tier': 'silver' }, {}, GOLD]) {
      await set(next);
      const notified = changed();
      changes.announce({ ...CHANGE, uid: tenant.uid });
      await notified;
      expect(labels.of('acme')).toEqual(next);
    }
  });

  test('of equal content are one object, which decisions remember', async () => {
    await set(GOLD);
    await registry.tenants.register(registration({ tenantId: 'beta' }));
    await set(GOLD, 'beta');
    const { labels } = await follow();
    expect(labels.of('acme')).toBe(labels.of('beta'));
  });

  test('end with their tenant, and a tenant that takes its id has none', async () => {
    const { tenant } = await set(GOLD);
    const { labels, changes, changed } = await follow();
    await registry.stores.tenants.delete(tenant);
    const gone = changed();
    changes.announce({ ...CHANGE, uid: tenant.uid });
    await gone;
    expect(labels.of('acme')).toBe(NO_LABELS);
    await registry.tenants.register(registration());
    expect(labels.of('acme')).toBe(NO_LABELS);
  });

  test('of a tenant stay, if the deletion of an earlier tenant of its id is seen after them', async () => {
    const { tenant } = await set(GOLD);
    const { labels, changes, changed } = await follow();
    await registry.stores.tenants.delete(tenant);
    await registry.tenants.register(registration());
    const { tenant: next } = await set({ 'access.tier': 'silver' });
    for (const { uid } of [next, tenant]) {
      const notified = changed();
      changes.announce({ ...CHANGE, uid });
      await notified;
    }
    expect(labels.of('acme')).toEqual({ 'access.tier': 'silver' });
  });

  test('are those after a change that came during the read of all', async () => {
    const { tenant } = await set(GOLD);
    const original = registry.stores.tenants.withAccessLabels;
    const changes = createChanges();
    const hasRead = Promise.withResolvers<void>();
    const hasReadOne = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const followed = followTenantLabels({
      stores: {
        tenants: {
          async withAccessLabels(uid) {
            const rows = await original(uid);
            if (uid !== undefined) {
              hasReadOne.resolve();
              return rows;
            }
            hasRead.resolve();
            await gate.promise;
            return rows;
          },
        },
      },
      changes,
      feed: undefined,
      sleep: async () => {},
    });
    await hasRead.promise;
    await set({});
    changes.announce({ ...CHANGE, uid: tenant.uid });
    await hasReadOne.promise;
    await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    const labels = await followed;
    onTestFinished(labels.close);
    await expect.poll(() => labels.of('acme')).toBe(NO_LABELS);
  });

  test('are unknown after a failed read, until all could be read', async () => {
    const { tenant } = await set(GOLD);
    let fails = false;
    const { labels, changes, changed, pauses } = await follow({
      read: (original) => (uid) =>
        fails ? Promise.reject(new VaultError('DATABASE_UNAVAILABLE', 'Down.')) : original(uid),
    });
    fails = true;
    const failed = changed();
    changes.announce({ ...CHANGE, uid: tenant.uid });
    await failed;
    expect([labels.of('acme'), labels.of('gone'), labels.select(GOLD)]).toEqual([undefined, undefined, []]);

    await expect.poll(() => pauses.length).toBe(1);
    fails = false;
    const loaded = changed();
    pauses[0]?.();
    await loaded;
    expect(labels.of('acme')).toEqual(GOLD);
  });

  test('are read again as a whole after changes were missed', async () => {
    await set(GOLD);
    const { labels, changes, changed } = await follow();
    await set({ 'access.tier': 'silver' });
    const unknown = changed();
    changes.reset();
    await unknown;
    await expect.poll(() => labels.of('acme')).toEqual({ 'access.tier': 'silver' });
  });

  test('are unknown while changes have not arrived for longer than the operator allows', async () => {
    await set(GOLD);
    const feed = { stale: false };
    const { labels } = await follow({ feed });
    feed.stale = true;
    expect([labels.of('acme'), labels.select(GOLD)]).toEqual([undefined, []]);
  });

  test('keep the newer of two reads, whichever ends last', async () => {
    const { tenant } = await set(GOLD);
    const held: (() => void)[] = [];
    let holds = false;
    const { labels, changes, changed } = await follow({
      read: (original) => async (uid) => {
        const rows = await original(uid);
        if (holds) await new Promise<void>((resolve) => held.push(resolve));
        return rows;
      },
    });
    holds = true;
    changes.announce({ ...CHANGE, uid: tenant.uid });
    await expect.poll(() => held.length).toBe(1);
    await set({});
    holds = false;
    const notified = changed();
    changes.announce({ ...CHANGE, uid: tenant.uid });
    await notified;
    held[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(labels.of('acme')).toBe(NO_LABELS);
  });
});
