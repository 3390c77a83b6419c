import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { VaultError } from '../../src/model/errors.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { backUp } from './back_up.ts';
import { openTestStores } from './open_test_stores.ts';
import { temporaryFolder } from './temporary_folder.ts';

const keks = { current: createKek(randomBytes(32)) };

interface Case {
  readonly path: string;
  readonly backup: string;
}

const DISPLACEMENTS: Readonly<Record<string, (files: Case) => void>> = {
  deleted: ({ path }) => rmSync(path),
  moved: ({ path }) => renameSync(path, `${path}.away`),
  'replaced by a backup': ({ path, backup }) => renameSync(backup, path),
  'overwritten by a backup': ({ path, backup }) => copyFileSync(backup, path),
  'without its write-ahead log': ({ path }) => rmSync(`${path}-wal`),
};

for (const [name, displace] of Object.entries(DISPLACEMENTS)) {
  test(`a file that is ${name} under a running vault: no writes, not ready`, async () => {
    const path = join(temporaryFolder(), 'vault.db');
    const stores = await openTestStores({ path, keks });
    await register(stores, 'before');
    const backup = await backUp(path);
    await register(stores, 'acme');
    await stores.check();

    displace({ path, backup });

    expect(await failureOf(() => register(stores, 'late'))).toBe('displaced');
    expect(await failureOf(() => stores.leases.acquire('work', 'me', 1_000))).toBe('displaced');
    expect(await failureOf(() => stores.check())).toBe('displaced');
    await stores.close();
  });
}

test('writes resume when a moved file is put back', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const stores = await openTestStores({ path, keks });
  renameSync(path, `${path}.away`);
  expect(await failureOf(() => register(stores, 'late'))).toBe('displaced');

  renameSync(`${path}.away`, path);

  await stores.check();
  await register(stores, 'acme');
  await stores.close();
});

test('a backup that was copied over the file of a running vault stays intact at its stop', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const stores = await openTestStores({ path, keks });
  await register(stores, 'kept');
  const backup = await backUp(path);
  await register(stores, 'lost');

  copyFileSync(backup, path);
  await stores.close();

  expect(readFileSync(path).equals(readFileSync(backup))).toBe(true);
  const restored = await openTestStores({ path, keks });
  expect(await restored.tenants.find('kept')).toBeDefined();
  expect(await restored.tenants.find('lost')).toBeUndefined();
  await restored.close();
});

test('a write-ahead log that was deleted under a running vault is checkpointed at its stop', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const stores = await openTestStores({ path, keks });
  await register(stores, 'acme');

  rmSync(`${path}-wal`);
  await stores.close();

  const again = await openTestStores({ path, keks });
  expect(await again.tenants.find('acme')).toBeDefined();
  await again.close();
});

test('the next start detects a file that was deleted under a running vault', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const stores = await openTestStores({ path, keks });
  rmSync(path);
  await stores.close();

  expect(await failureOf(() => openTestStores({ path, keks }))).toBe('missing');
  expect(existsSync(path)).toBe(false);

  rmSync(`${path}.state`);
  await (await openTestStores({ path, keks })).close();
});

function register(stores: Stores, tenantId: string): Promise<void> {
  return stores.tenants.register({ tenant: sampleTenant(tenantId), app: undefined, credential: undefined });
}

async function failureOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    expect((error as VaultError).reason).toBe('DATABASE_UNAVAILABLE');
    return (error as VaultError).metadata['fault'];
  }
}
