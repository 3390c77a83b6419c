import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Keyring, RootKey_State as State } from '../../src/gen/tokenvault/v1/key_service_pb.ts';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { RootKeyCrashPoint, TenantKeyCrashPoint } from '../crash_points.ts';
import { type Clients, createClients } from '../scenarios/start_scenario.ts';
import { endOfProgram } from '../scenarios/vault_program.ts';
import * as reader from '../store/independent_reader.ts';
import { retried, startCallers } from './calls.ts';
import {
  addRootKey,
  anyConnection,
  CONNECTIONS_EACH,
  connectionName,
  fillVault,
  SCOPES,
  TENANTS,
} from './many_tenants.ts';
import {
  countOldValues,
  expectAllRotated,
  rotateAll,
  SELECT_DEKS,
  SELECT_TOKENS,
  type StoredDek,
  type StoredToken,
  type StoredVault,
} from './rotated_tenants.ts';
import { startVaultProcess, type VaultProcess } from './vault_process.ts';

/** In this order; the vault is restarted after each. */
const CRASHES: readonly RootKeyCrashPoint[] = [
  'root_key_checked',
  'root_key_activated',
  'data_keys_unwrapped',
  'data_keys_rewrapped',
  'data_keys_unwrapped',
  'data_keys_rewrapped',
  'root_key_unused',
  'root_key_retired',
];

const IS_LONG = process.env['KEYS'] === 'long';
/** Of the rotation of the tenants' data keys, in this order. */
const TENANT_KEY_CRASHES: readonly TenantKeyCrashPoint[] = [
  'tenant_key_requested',
  'tenant_key_added',
  'values_unsealed',
  'values_resealed',
  'tenant_key_unused',
  'tenant_key_retired',
  'values_resealed',
  'tenant_keys_unshredded',
  ...(IS_LONG ? (['tenant_key_added', 'values_resealed', 'tenant_key_retired'] as const) : []),
];
/** Restarts take seconds, and a client comes back after a backoff that grows with each of them. */
const RETRIES = 1_000;

let sandbox: Sandbox;
let filled: string;
const oldKey = randomBytes(32);
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  filled = mkdtempSync(join(tmpdir(), 'root-key-'));
  for (const name of ['keys', 'data']) mkdirSync(join(filled, name), { mode: 0o700 });
  writeFileSync(join(filled, 'keys/kek'), oldKey, { mode: 0o400 });
  await fillVault(sandbox, `sqlite:${join(filled, 'data/vault.db')}`, join(filled, 'keys/kek'));
}, 600_000);
afterAll(async () => {
  await sandbox.close();
  rmSync(filled, { recursive: true, force: true });
});

interface RunningVault {
  readonly folder: string;
  readonly young: Buffer;
  readonly process: VaultProcess;
  readonly clients: Clients;
  /** Kills the process, and starts the next one in the folder. */
  restart(doom?: RootKeyCrashPoint | TenantKeyCrashPoint): Promise<void>;
  stop(): Promise<void>;
}

/** A copy of the filled vault that has a new root key too. */
async function startWithBothKeys(firstDoom?: RootKeyCrashPoint | TenantKeyCrashPoint): Promise<RunningVault> {
  const folder = mkdtempSync(join(tmpdir(), 'root-key-'));
  cpSync(filled, folder, { recursive: true });
  const young = addRootKey(join(folder, 'keys/kek'));
  const start = async (doom: RootKeyCrashPoint | TenantKeyCrashPoint | undefined) => {
    const process = await startVaultProcess(folder, sandbox.url, { doom });
    return { process, clients: createClients(process.addresses, {}) };
  };
  let running = await start(firstDoom);
  const stop = async (signal: NodeJS.Signals) => {
    const { process, clients } = running;
    process.kill(signal);
    await process.ended;
    return clients;
  };
  onTestFinished(async () => {
    (await stop('SIGKILL')).close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    young,
    get process() {
      return running.process;
    },
    get clients() {
      return running.clients;
    },
    async restart(doom) {
      // Until then, calls find a vault that does not answer.
      const before = await stop('SIGKILL');
      running = await start(doom);
      before.close();
    },
    async stop() {
      (await stop('SIGTERM')).close();
    },
  };
}

const idOf = (key: Buffer) => reader.rootKeyId(key).toString('hex');
const getToken = ({ clients }: Pick<RunningVault, 'clients'>, connection = anyConnection()) =>
  clients.tokens.getAccessToken({ connection, scopes: SCOPES });

async function keyringOf({ clients }: Pick<RunningVault, 'clients'>): Promise<Keyring> {
  const { keyring } = await clients.keys.getKeyring({});
  if (keyring === undefined) throw new TypeError('no keyring');
  return keyring;
}

/** Every data key and refresh token of a stopped vault, opened with node:crypto alone. */
function openWith(folder: string, root: Buffer): { readonly opened: number; readonly refused: number } {
  const database = new Sqlite(join(folder, 'data/vault.db'), { readonly: true });
  onTestFinished(() => void database.close());
  const deploymentId = String(database.prepare("SELECT value FROM meta WHERE key = 'deployment_id'").pluck().get());
  const rows = database
    .prepare(
      `SELECT d.tenant_uid AS tenantUid, coalesce(t.tenant_id, 'vault') AS tenantId, d.version, wrapped
         FROM deks AS d LEFT JOIN tenants AS t ON t.uid = d.tenant_uid`,
    )
    .all() as { tenantUid: string; tenantId: string; version: number; wrapped: Buffer }[];
  const tokens = database.prepare('SELECT uid, connection_id, refresh_token FROM connections WHERE tenant_uid = ?');
  let [opened, refused] = [0, 0];
  for (const { version, wrapped, ...tenant } of rows) {
    const names = { deploymentId, ...tenant };
    try {
      const { dek } = reader.unwrap(root, names, version, wrapped);
      for (const row of tokens.iterate(tenant.tenantUid)) {
        const { uid, connection_id, refresh_token } = row as Record<string, string> & { refresh_token: Buffer };
        const place = { recordType: 'connection', recordUid: `${uid}`, column: 'refresh_token' };
        reader.openRecord(dek, names, { ...place, names: [`${connection_id}`] }, refresh_token);
      }
      opened += 1;
    } catch {
      refused += 1;
    }
  }
  return { opened, refused };
}

/** The new key alone opens a stopped vault. */
function checkKeys({ folder, young }: Pick<RunningVault, 'folder' | 'young'>): void {
  expect(openWith(folder, oldKey).opened).toBe(0);
  expect(openWith(folder, young)).toMatchObject({ refused: 0 });
}

/** No data key under the old key is left, also in the write-ahead log of a running vault. */
function checkFiles({ folder }: Pick<RunningVault, 'folder'>): void {
  for (const file of ['vault.db', 'vault.db-wal']) {
    const path = join(folder, 'data', file);
    expect(existsSync(path) && readFileSync(path).includes(reader.rootKeyId(oldKey))).toBe(false);
  }
}

/** A vault with the new key alone serves; one with the old key alone does not start. */
async function checkStarts({ folder }: Pick<RunningVault, 'folder'>): Promise<void> {
  rmSync(join(folder, 'keys/kek.previous'));
  const process = await startVaultProcess(folder, sandbox.url);
  const clients = createClients(process.addresses, {});
  try {
    for (let tenant = 0; tenant < 20; tenant += 1) await getToken({ clients }, connectionName(tenant, 0));
  } finally {
    clients.close();
    process.kill('SIGKILL');
    await process.ended;
  }
  writeFileSync(join(folder, 'keys/kek.old'), oldKey, { mode: 0o400 });
  const { code, stderr } = await endOfProgram(folder, { KEY_SOURCE: 'file:./keys/kek.old', SANDBOX: sandbox.url });
  expect([code, stderr]).toEqual([65, expect.stringContaining(`but the key source holds ${idOf(oldKey)}`)]);
}

test(`${TENANTS} tenants under load: no call fails during the rotation, and the new key alone opens them`, {
  timeout: 20 * 60_000,
}, async () => {
  const vault = await startWithBothKeys();
  const tokens = startCallers(4, () => getToken(vault));
  let count = 0;
  const registrations = startCallers(1, () =>
    vault.clients.tenants.registerTenant({ tenantId: `new-${count++}`, displayName: 'New', preset: 'aurinko' }),
  );
  await Promise.all([tokens.more(50), registrations.more(5)]);

  const { keyring } = await vault.clients.keys.rotateRootKey({ rootKeyId: idOf(vault.young) });
  expect(keyring?.rootKeys[0]).toMatchObject({ id: idOf(vault.young), state: State.ACTIVE });
  await expect
    .poll(async () => (await keyringOf(vault)).rotation, { timeout: 10 * 60_000, interval: 100 })
    .toBeUndefined();
  checkFiles(vault);
  await Promise.all([tokens.more(50), registrations.more(5)]);

  const outcomes = [await tokens.stop(), await registrations.stop()].map((one) => Object.keys(one));
  expect(outcomes).toEqual([['OK'], ['OK']]);
  const { rootKeys, dataKeyVersions } = await keyringOf(vault);
  expect(rootKeys.map(({ id, state }) => [id, state])).toEqual([
    [idOf(vault.young), State.ACTIVE],
    [idOf(oldKey), State.RETIRED],
  ]);
  expect(rootKeys[0]?.dataKeys).toBe(dataKeyVersions[0]?.dataKeys);
  await vault.stop();
  checkKeys(vault);
  await checkStarts(vault);
});

test(`kill -9 at each of ${CRASHES.length} steps: the rotation continues, and tokens are served in between`, {
  timeout: 20 * 60_000,
}, async () => {
  const vault = await startWithBothKeys(CRASHES[0]);
  for (const [index, point] of CRASHES.entries()) {
    if (point === 'root_key_checked' || point === 'root_key_activated') {
      await expect(vault.clients.keys.rotateRootKey({ rootKeyId: idOf(vault.young) })).rejects.toThrow();
    } else {
      expect(await vault.process.round()).toBe(false);
    }
    expect(await vault.process.ended).toBe('SIGKILL');

    await vault.restart(CRASHES[index + 1]);
    const use = Promise.all([
      getToken(vault),
      vault.clients.tenants.registerTenant({ tenantId: `new-${index}`, displayName: 'New', preset: 'aurinko' }),
    ]);
    // Within five seconds the vault continues the rotation, and crashes, by itself.
    await Promise.race([use, vault.process.ended]);
    use.catch(() => {});
  }

  expect((await keyringOf(vault)).rootKeys.map(({ state }) => state)).toEqual([State.ACTIVE, State.RETIRED]);
  await vault.stop();
  checkKeys(vault);
  checkFiles(vault);
});

/** What a stopped vault has stored. */
function readFolder(folder: string): StoredVault {
  const database = new Sqlite(join(folder, 'data/vault.db'), { readonly: true });
  try {
    return {
      deploymentId: String(database.prepare("SELECT value FROM meta WHERE key = 'deployment_id'").pluck().get()),
      deks: database.prepare(SELECT_DEKS).all() as StoredDek[],
      tokens: database.prepare(SELECT_TOKENS).all() as StoredToken[],
      oldValues: Number(database.prepare(countOldValues("x'01'")).pluck().get()),
    };
  } finally {
    database.close();
  }
}

test(`kill -9 at ${TENANT_KEY_CRASHES.length} steps of a rotation of all data keys, under load: no call fails that is retried`, {
  timeout: 60 * 60_000,
}, async () => {
  const before = readFolder(filled);
  expect(before.oldValues).toBeGreaterThan(TENANTS * CONNECTIONS_EACH);
  const vault = await startWithBothKeys(TENANT_KEY_CRASHES[0]);
  const tokens = startCallers(4, () => retried(() => getToken(vault), RETRIES));
  let count = 0;
  const registrations = startCallers(1, () => {
    const request = { tenantId: `new-${count++}`, displayName: 'New', preset: 'aurinko' };
    return retried(() => vault.clients.tenants.registerTenant(request), RETRIES).catch(ifRegistered);
  });
  const rotations = rotateAll((tenant) => retried(() => vault.clients.keys.rotateTenantKey({ tenant }), RETRIES));
  const failed = rotations.then(() => new Promise<never>(() => {}));
  for (const [index] of TENANT_KEY_CRASHES.entries()) {
    expect(await Promise.race([vault.process.ended, failed])).toBe('SIGKILL');
    await vault.restart(TENANT_KEY_CRASHES[index + 1]);
    // The next crash may come first.
    await Promise.race([tokens.more(5), vault.process.ended]);
  }
  await rotations;
  await expect
    .poll(async () => (await keyringOf(vault)).rotatingTenantKeys, { timeout: 30 * 60_000, interval: 100 })
    .toBe(0n);
  await Promise.all([tokens.more(20), registrations.more(2)]);
  expect([await tokens.stop(), await registrations.stop()].map((one) => Object.keys(one))).toEqual([['OK'], ['OK']]);
  await vault.stop();

  expectAllRotated(oldKey, before, readFolder(vault.folder));
  for (const file of ['vault.db', 'vault.db-wal']) expectWithout(join(vault.folder, 'data', file), before.deks);
});

/** The first attempt may have succeeded before the kill. */
function ifRegistered(error: unknown): void {
  if (!(error instanceof RpcError && error.reason === 'TENANT_EXISTS')) throw error;
}

/** No deleted data key is left in a file, which is read once: a search for each of 10,000 takes a quarter of an hour. */
function expectWithout(path: string, deks: readonly StoredDek[]): void {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const deleted = new Map(deks.map(({ wrapped }) => [wrapped.readUInt32LE(18), wrapped.subarray(18, 50)]));
  const starts = new Uint8Array(2 ** 16);
  for (const start of deleted.values()) starts[start.readUInt16LE(0)] = 1;
  let found = 0;
  for (let at = 0; at + 32 <= bytes.length; at += 1) {
    if (
      starts[bytes.readUInt16LE(at)] === 1 &&
      deleted.get(bytes.readUInt32LE(at))?.equals(bytes.subarray(at, at + 32))
    )
      found += 1;
  }
  expect(found).toBe(0);
}
