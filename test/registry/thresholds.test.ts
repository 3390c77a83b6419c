import { beforeEach, expect, test } from 'vitest';
import { type OpenRegistry, openRegistry, refusal, registration } from './open_registry.ts';

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
});

const NOTHING = { displayName: '', labels: {}, catalog: '', allowedDirectoryIds: [], expiryThresholdsDays: [] };

function update(expiryThresholdsDays: readonly number[], updateMask?: readonly string[]) {
  const fields = { ...NOTHING, expiryThresholdsDays };
  return registry.tenants.update({ tenantId: 'acme', etag: '', updateMask, fields });
}

test('a tenant can have its own thresholds, in descending order', async () => {
  await registry.tenants.register(registration({ expiryThresholds: [1, 90, 30] }));
  expect((await registry.tenants.get('acme')).expiryThresholds).toEqual([90, 30, 1]);
});

test('a tenant without thresholds uses those of the vault, and can return to them', async () => {
  await registry.tenants.register(registration());
  expect((await registry.tenants.get('acme')).expiryThresholds).toBeUndefined();
  expect((await update([0, 5])).expiryThresholds).toEqual([5, 0]);
  expect((await update([])).expiryThresholds).toEqual([5, 0]);
  expect((await update([], ['expiry_thresholds_days'])).expiryThresholds).toBeUndefined();
  expect((await registry.tenants.get('acme')).expiryThresholds).toBeUndefined();
});

test.each([
  ['a negative one', [30, -1], 'expiry_thresholds_days[1]'],
  ['one beyond two years', [731], 'expiry_thresholds_days[0]'],
  ['half a day', [0.5], 'expiry_thresholds_days[0]'],
  ['no number', [Number.NaN], 'expiry_thresholds_days[0]'],
  ['the same twice', [7, 3, 7], 'expiry_thresholds_days[2]'],
  ['more than 16', Array.from({ length: 17 }, (_, day) => day), 'expiry_thresholds_days'],
])('%s is rejected in a registration and in an update, and nothing is stored', async (_, days, field) => {
  const registering = await refusal(registry.tenants.register(registration({ expiryThresholds: days })));
  expect([registering.reason, registering.metadata['field']]).toEqual(['FIELD_INVALID', field]);
  expect(await registry.stores.tenants.find('acme')).toBeUndefined();

  await registry.tenants.register(registration());
  const updating = await refusal(update(days));
  expect([updating.reason, updating.metadata['field']]).toEqual(['FIELD_INVALID', `tenant.${field}`]);
  expect((await registry.tenants.get('acme')).expiryThresholds).toBeUndefined();
});
