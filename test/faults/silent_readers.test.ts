import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { openSilentReader, type SilentReader } from '../rpc/silent_reader.ts';
import { serveProgram } from '../scenarios/vault_program.ts';

/** Less than the streams below use without a limit. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=150' };
const CONNECTIONS = 200;
const STREAMS = 126;

const PATHS = ['/grpc.health.v1.Health/Watch', '/grpc.health.v1.Health/Check'];

test('unauthenticated peers that never read responses do not crash the process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'silent-readers-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const vault = await serveProgram(folder, { SANDBOX: 'on', SANDBOX_ADDRESS: '127.0.0.1:0' }, SMALL_HEAP);
  onTestFinished(() => void vault.child.kill('SIGKILL'));
  const tenants = createClient(TenantService, vault.addresses.admin);
  onTestFinished(() => tenants.close());
  const readers: SilentReader[] = [];
  onTestFinished(() => {
    for (const { socket } of readers) socket.destroy();
  });

  for (let count = 0; count < CONNECTIONS && vault.child.exitCode === null; count += 1) {
    const reader = await openSilentReader(vault.addresses.admin, `127.0.0.${2 + (count % 20)}`);
    readers.push(reader);
    const path = PATHS[count % PATHS.length] ?? '';
    for (let stream = 0; stream < STREAMS; stream += 1) reader.request(path);
    // The vault responds between them, as over a network.
    await pause(5);
  }

  expect((await tenants.listTenants({})).tenants).toEqual([]);
  expect(vault.child.signalCode).toBeNull();
});
