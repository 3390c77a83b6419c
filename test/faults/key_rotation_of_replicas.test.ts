import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RootKey_State as State } from '../../src/gen/tokenvault/v1/key_service_pb.ts';
import { LEASE_NAME as TENANT_LEASE } from '../../src/key_rotation/reseal_values.ts';
import { LEASE_NAME as ROOT_LEASE } from '../../src/key_rotation/rewrap_data_keys.ts';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { startProgram } from '../cli/program.ts';
import type { RootKeyCrashPoint, TenantKeyCrashPoint } from '../crash_points.ts';
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
import { type Replica, type Replicas, startReplicas } from './replicas.ts';
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
import type { VaultProcess } from './vault_process.ts';

const IS_LONG = process.env['KEYS'] === 'long';
/** Points at which the replica is killed that reaches them first. */
const CRASHES: readonly RootKeyCrashPoint[] = IS_LONG
  ? ['root_key_checked', 'root_key_activated', 'data_keys_unwrapped', 'data_keys_rewrapped', 'root_key_unused']
  : ['root_key_activated', 'data_keys_rewrapped'];

type LeaseName = typeof ROOT_LEASE | typeof TENANT_LEASE;
/** Of the rotation of the tenants' data keys. */
const TENANT_KEY_CRASHES: readonly TenantKeyCrashPoint[] = IS_LONG
  ? [
      'tenant_key_requested',
      'tenant_key_added',
      'values_unsealed',
      'values_resealed',
      'tenant_key_unused',
      'tenant_key_retired',
    ]
  : ['tenant_key_added', 'values_resealed', 'tenant_key_retired'];

const oldKey = randomBytes(32);
const idOf = (key: Buffer) => reader.rootKeyId(key).toString('hex');

let folder: string;
let youngKey: Buffer;
let replicas: Replicas;
/** Those that run. */
let running: Replica<VaultProcess>[] = [];
/** The key source of a replica that lacks the new root key. */
let withOld: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'root-keys-'));
  const [oldFile, bothFile] = [join(folder, 'old'), join(folder, 'both')];
  for (const file of [oldFile, bothFile]) writeFileSync(file, oldKey, { mode: 0o400 });
  withOld = `file:${oldFile}`;
  replicas = await startReplicas({ count: 0, environment: { KEY_SOURCE: `file:${bothFile}` } });
  await fillVault(replicas.sandbox, replicas.databaseUrl, oldFile);
  youngKey = addRootKey(bothFile);
  const lacking = replicas.startDoomed({ TOKENVAULT_KEY_SOURCE: withOld });
  running = await Promise.all([lacking, replicas.startDoomed(), replicas.startDoomed()]);
}, 900_000);
afterAll(async () => {
  await replicas.close();
  rmSync(folder, { recursive: true, force: true });
});

const anyReplica = () => running[randomInt(running.length)] as Replica<VaultProcess>;
const getToken = (replica: Replica<unknown>, connection: string) =>
  replica.clients.tokens.getAccessToken({ connection, scopes: SCOPES }, { timeout: 15_000 });

/** Any replica at first, then the next one each time, as a client with round robin: one of them is killed at a time. */
function inTurn(): () => Replica<VaultProcess> {
  let next = randomInt(running.length);
  return () => running[next++ % running.length] as Replica<VaultProcess>;
}

function getWithRetries(): Promise<unknown> {
  const connection = anyConnection();
  const replica = inTurn();
  return retried(() => getToken(replica(), connection));
}

let count = 0;
async function registerWithRetries(): Promise<void> {
  const request = { tenantId: `new-${count++}`, displayName: 'New', preset: 'aurinko' };
  const replica = inTurn();
  let attempts = 0;
  const register = () => {
    attempts += 1;
    return replica().clients.tenants.registerTenant(request);
  };
  await retried(register).catch((error: unknown) => {
    // The first attempt may have succeeded before the kill.
    if (attempts === 1 || !(error instanceof RpcError && error.reason === 'TENANT_EXISTS')) throw error;
  });
}

async function keyring() {
  const answer = await anyReplica().clients.keys.getKeyring({});
  if (answer.keyring === undefined) throw new TypeError('no keyring');
  return answer.keyring;
}

/** The replicas wait with the rotation until the lease is released. */
async function holdLease(name: LeaseName): Promise<void> {
  await replicas.query(
    `INSERT INTO leases (name, owner, until, epoch) VALUES ('${name}', 'test', 9e15, 1)
       ON CONFLICT (name) DO UPDATE SET owner = 'test', until = 9e15`,
  );
}

/** The first replica that acquires the lease continues. */
async function releaseLease(name: LeaseName): Promise<void> {
  await replicas.query(`UPDATE leases SET until = 0 WHERE name = '${name}'`);
  for (const { program } of running) void program.round();
}

/** Waits until a replica is killed, and starts another one. */
async function replaceKilled(name: LeaseName): Promise<void> {
  const killed = await Promise.race(running.map((one) => one.program.ended.then(() => one)));
  running = running.filter((one) => one !== killed);
  await holdLease(name);
  running = [...running, await replicas.startDoomed()];
}

test('a switch is refused while a replica lacks the new root key, and names it', async () => {
  const [without, other] = running;
  const lacking = (await keyring()).rootKeys.find(({ id }) => id === idOf(youngKey));
  expect(lacking).toMatchObject({ state: State.AVAILABLE, dataKeys: 0n });
  expect(lacking?.missingReplicas).toEqual([expect.stringMatching(new RegExp(`-${without?.program.pid}$`))]);

  await expect(other?.clients.keys.rotateRootKey({ rootKeyId: idOf(youngKey) })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'ROOT_KEY_MISSING',
    metadata: { replicas: lacking?.missingReplicas[0] },
  });
  expect((await keyring()).rootKeys[0]).toMatchObject({ id: idOf(oldKey), state: State.ACTIVE });
});

test(`${TENANTS} tenants at three replicas, with ${CRASHES.length} kills: no call fails, and the new key alone opens them`, {
  timeout: 30 * 60_000,
}, async () => {
  const [without] = running;
  running = running.slice(1);
  without?.program.kill('SIGTERM');
  await without?.program.ended;
  running = [...running, await replicas.startDoomed()];
  const tokens = startCallers(6, getWithRetries);
  const registrations = startCallers(1, registerWithRetries);
  await Promise.all([tokens.more(30), registrations.more(3)]);

  await holdLease(ROOT_LEASE);
  for (const point of CRASHES) {
    await Promise.all(running.map(({ program }) => program.arm(point)));
    if (point === 'root_key_checked' || point === 'root_key_activated') {
      await expect(running[0]?.clients.keys.rotateRootKey({ rootKeyId: idOf(youngKey) })).rejects.toThrow();
    } else {
      await releaseLease(ROOT_LEASE);
    }
    await replaceKilled(ROOT_LEASE);
    await Promise.all([tokens.more(20), registrations.more(2)]);
  }
  await Promise.all(running.map(({ program }) => program.arm('none')));
  await releaseLease(ROOT_LEASE);

  const [replica] = running;
  const args = ['keys', 'rotate-root', '--to', idOf(youngKey), '--address', replica?.program.addresses.admin ?? ''];
  const { code, stdout } = await startProgram(args).ended;
  expect([code, stdout]).toEqual([
    0,
    expect.stringContaining(`No data key needs ${idOf(oldKey)}. Backups made before`),
  ]);
  await Promise.all([tokens.more(20), registrations.more(2)]);

  expect([await tokens.stop(), await registrations.stop()].map((one) => Object.keys(one))).toEqual([['OK'], ['OK']]);
  const { rootKeys } = await keyring();
  expect(rootKeys.map(({ id, state }) => [id, state])).toEqual([
    [idOf(youngKey), State.ACTIVE],
    [idOf(oldKey), State.RETIRED],
  ]);
});

test('after the rotation, an independent reader opens every data key with the new root key, and none with the old', async () => {
  const [meta] = await replicas.query<{ value: Buffer }>("SELECT value FROM meta WHERE key = 'deployment_id'");
  const deploymentId = String(meta?.value);
  const rows = await replicas.query<{ uid: string; name: string; version: string; wrapped: Buffer }>(
    `SELECT d.tenant_uid AS uid, coalesce(t.tenant_id, 'vault') AS name, d.version, d.wrapped
       FROM deks AS d LEFT JOIN tenants AS t ON t.uid = d.tenant_uid`,
  );
  expect(rows.length).toBeGreaterThan(TENANTS);
  for (const { uid, name, version, wrapped } of rows) {
    const tenant = { deploymentId, tenantUid: uid, tenantId: name };
    expect(() => reader.unwrap(oldKey, tenant, Number(version), wrapped)).toThrow('other key');
    expect(reader.unwrap(youngKey, tenant, Number(version), wrapped).dek).toHaveLength(32);
  }
});

test('after the rotation, a replica with the new root key alone serves, and one with the old alone does not start', async () => {
  const alone = join(folder, 'young');
  writeFileSync(alone, youngKey, { mode: 0o400 });
  const replica = await replicas.startDoomed({ TOKENVAULT_KEY_SOURCE: `file:${alone}` });
  for (let tenant = 0; tenant < 10; tenant += 1) await getToken(replica, connectionName(tenant, 1));

  await expect(replicas.start({ KEY_SOURCE: withOld })).rejects.toThrow('the vault ended with 65');
});

async function readDatabase(): Promise<StoredVault> {
  const [meta] = await replicas.query<{ value: Buffer }>("SELECT value FROM meta WHERE key = 'deployment_id'");
  const [old] = await replicas.query<{ count: string }>(countOldValues("'\\x01'"));
  return {
    deploymentId: String(meta?.value),
    deks: await replicas.query<StoredDek & Record<string, unknown>>(SELECT_DEKS),
    tokens: await replicas.query<StoredToken & Record<string, unknown>>(SELECT_TOKENS),
    oldValues: Number(old?.count),
  };
}

/** Calls may reach any replica, and a repetition the next one, so only one is killed by a call. */
async function armFor(point: TenantKeyCrashPoint | undefined): Promise<void> {
  const isOfCall = point === 'tenant_key_requested' || point === 'tenant_key_added';
  await Promise.all(
    running.map(({ program }, index) =>
      // A call may kill it before it confirms the point.
      program.arm(isOfCall && index > 0 ? 'none' : (point ?? 'none')).catch(() => program.ended),
    ),
  );
}

test(`data keys of ${TENANTS} tenants rotate at three replicas, with ${TENANT_KEY_CRASHES.length} kills: no call fails`, {
  timeout: 100 * 60_000,
}, async () => {
  const before = await readDatabase();
  expect(before.oldValues).toBeGreaterThan(TENANTS * CONNECTIONS_EACH);
  const tokens = startCallers(6, getWithRetries);
  const registrations = startCallers(1, registerWithRetries);
  await Promise.all([tokens.more(20), registrations.more(2)]);

  await holdLease(TENANT_LEASE);
  let replaced = replaceKilled(TENANT_LEASE);
  await armFor(TENANT_KEY_CRASHES[0]);
  const rotations = rotateAll((tenant) => {
    const replica = inTurn();
    return retried(() => replica().clients.keys.rotateTenantKey({ tenant }), 100);
  });
  const failed = rotations.then(() => new Promise<never>(() => {}));
  for (const [index] of TENANT_KEY_CRASHES.entries()) {
    await Promise.race([replaced, failed]);
    const next = TENANT_KEY_CRASHES[index + 1];
    await armFor(next);
    if (next !== undefined) replaced = replaceKilled(TENANT_LEASE);
    await releaseLease(TENANT_LEASE);
  }
  await rotations;
  for (const { program } of running) void program.round();
  await expect.poll(async () => (await keyring()).rotatingTenantKeys, { timeout: 60 * 60_000, interval: 100 }).toBe(0n);
  await Promise.all([tokens.more(20), registrations.more(2)]);
  expect([await tokens.stop(), await registrations.stop()].map((one) => Object.keys(one))).toEqual([['OK'], ['OK']]);

  expectAllRotated(youngKey, before, await readDatabase());
});
