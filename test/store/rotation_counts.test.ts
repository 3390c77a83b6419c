import { expect, test } from 'vitest';
import type { Rotation } from '../../src/model/secret_rotation.ts';
import { NOW, sampleApp, sampleCredential, sampleRotation, sampleTenant } from '../conformance/sample_rows.ts';
import { openTestStores } from './open_test_stores.ts';

test('rotations are counted by step, and by whether they have a problem', async () => {
  const stores = await openTestStores();
  const tenant = sampleTenant();
  const problem = { kind: 'POLICY', code: undefined, permission: undefined, time: NOW, reportedTime: NOW } as const;
  const wanted: Partial<Rotation>[] = [
    { beginTime: NOW - 1 },
    { beginTime: NOW - 2 },
    { beginTime: NOW - 3, problem },
    { beginTime: NOW, step: 'WATCH' },
  ];
  const first = sampleApp(tenant);
  await stores.tenants.register({ tenant, app: first, credential: sampleCredential(first) });
  expect(await stores.rotations.counts()).toEqual([]);
  for (const [at, changes] of wanted.entries()) {
    const app = sampleApp(tenant, `app-${at}`);
    await stores.apps.create(app, sampleCredential(app));
    await stores.rotations.begin(sampleRotation(app, changes));
  }

  expect(await stores.rotations.counts()).toEqual(
    expect.arrayContaining([
      { step: 'ADD', isFailing: false, count: 2, oldestBeginTime: NOW - 2 },
      { step: 'ADD', isFailing: true, count: 1, oldestBeginTime: NOW - 3 },
      { step: 'WATCH', isFailing: false, count: 1, oldestBeginTime: NOW },
    ]),
  );
  await stores.close();
});
