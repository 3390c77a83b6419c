import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type GetStatusResponse,
  ReadinessCheck_State as State,
  StatusService,
} from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { type Client, createClient } from '../../src/rpc/grpc_client.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { createClients } from './start_scenario.ts';
import { serveProgram, type VaultProgram } from './vault_program.ts';

const PATIENCE = { timeout: 60_000 };

let server: PostgresServer;
let sandbox: Sandbox;
let folder: string;
let vaults: readonly VaultProgram[];
let status: Client<typeof StatusService>;
beforeAll(async () => {
  server = await startPostgres();
  sandbox = await startSandbox({ userConsent: 'legacy' });
  folder = mkdtempSync(join(tmpdir(), 'status-'));
  writeFileSync(join(folder, 'kek'), randomBytes(32), { mode: 0o600 });
  const environment = {
    DATABASE_URL: await server.createDatabase(),
    KEY_SOURCE: 'file:./kek',
    SANDBOX: sandbox.url,
    AUDIT_FILE: '-',
  };
  vaults = [await serveProgram(folder, environment), await serveProgram(folder, environment)];
  status = createClient(StatusService, vaults[1]?.addresses.admin ?? '');
});
afterAll(async () => {
  status.close();
  await Promise.all(vaults.map((vault) => vault.stop()));
  await sandbox.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const endsWithPid = (vault: VaultProgram | undefined) => expect.stringMatching(new RegExp(`-${vault?.child.pid}$`));

/** By job. */
function leadersOf({ leaders }: GetStatusResponse): Record<string, string> {
  return Object.fromEntries(leaders.map(({ job, replica }) => [job, replica]));
}

function allLedBy(vault: VaultProgram | undefined): Record<string, unknown> {
  return Object.fromEntries(['background_jobs', 'keep_alive', 'outbox'].map((job) => [job, endsWithPid(vault)]));
}

test('both replicas are listed, and the first one leads', async () => {
  const answer = await status.getStatus({});

  expect(answer.database).toMatchObject({ product: 'PostgreSQL', version: expect.stringMatching(/^1\d\./) });
  expect(answer.checks).toContainEqual(expect.objectContaining({ name: 'changes', state: State.OK }));
  expect(answer.replica).toEqual(endsWithPid(vaults[1]));
  expect(new Set(answer.replicas.map(({ name }) => name))).toEqual(new Set(vaults.map(endsWithPid)));
  await expect.poll(async () => leadersOf(await status.getStatus({})), PATIENCE).toEqual(allLedBy(vaults[0]));
});

test('the status page shows both replicas, and who leads', async () => {
  const page = await (await fetch(`http://${vaults[0]?.addresses.ops}/status`)).text();

  expect(page).toContain('PostgreSQL 18.');
  for (const vault of vaults)
    expect(page).toMatch(new RegExp(`<th role="rowheader" scope="row">[^<]*-${vault.child.pid}<`));
  expect(page).toMatch(new RegExp(`keep alive</th><td[^>]*><span class="long">[^<]*-${vaults[0]?.child.pid}<`));
});

test('a change counts as behind until the heartbeat of a replica has it', async () => {
  const clients = createClients(vaults[0]?.addresses ?? { grpc: '', admin: '' }, {});
  await clients.tenants.registerTenant({ tenantId: 'acme', preset: 'aurinko' });
  await clients.tenants.suspendTenant({ name: 'tenants/acme' });
  clients.close();

  const { changesFeed, replicas } = await status.getStatus({});
  expect(changesFeed?.position).toBeGreaterThan(0n);
  for (const { changesBehind, feedPosition } of replicas)
    expect(feedPosition + changesBehind).toBe(changesFeed?.position);
  await expect
    .poll(async () => (await status.getStatus({})).replicas.map(({ changesBehind }) => changesBehind), PATIENCE)
    .toEqual([0n, 0n]);
});

test('a replica that stops disappears, and the other one leads', async () => {
  await vaults[0]?.stop();

  expect((await status.getStatus({})).replicas).toMatchObject([{ name: endsWithPid(vaults[1]) }]);
  await expect.poll(async () => leadersOf(await status.getStatus({})), PATIENCE).toEqual(allLedBy(vaults[1]));
});

test('while the database does not answer, the status page says so, and probes are answered', async () => {
  const get = async (path: string) => (await fetch(`http://${vaults[1]?.addresses.ops}${path}`)).text();
  server.pause();
  const pages = Promise.all(['/status', '/status'].map(get));
  expect(await get('/livez')).toBe('ok\n');
  const shown = await pages;
  server.resume();

  for (const page of shown) expect(page).toMatch(/Not ready.*The database does not answer.*>failing</s);
  await expect.poll(() => get('/status'), PATIENCE).toContain('nothing needs attention');
});
