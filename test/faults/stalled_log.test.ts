import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { createClient } from '../../src/rpc/client.ts';
import { COMPILE_CACHE } from '../compile_cache.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

test('a vault whose log nobody reads serves, says how many lines it dropped, and stops', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...COMPILE_CACHE,
      TOKENVAULT_GRPC_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_ADMIN_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_WEB_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_OPS_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_LOG_LEVEL: 'debug',
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let welcome = '';
  for await (const line of createInterface({ input: child.stdout })) {
    welcome += `${line}\n`;
    if (line.includes('Register a tenant')) break;
  }
  const admin = /admin +grpc:\/\/(\S+)/.exec(welcome)?.[1] ?? '';
  const ops = /ops +(http:\/\/[^/\s]+)\//.exec(welcome)?.[1] ?? '';
  const tenants = createClient(TenantService, admin);
  onTestFinished(() => tenants.close());

  // At level debug each request is a line: 3 MB, more than a pipe and the vault together hold.
  for (let i = 0; i < 60; i += 1)
    await expect(tenants.getTenant({ name: `tenants/${'x'.repeat(50_000)}` })).rejects.toThrow();

  expect((await fetch(`${ops}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${ops}/metrics`)).text();
  expect(Number(/^tokenvault_log_dropped_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);

  const events: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    events.push((JSON.parse(line) as { event: string }).event);
    if (events.at(-1) === 'log_lines_dropped') child.kill('SIGTERM');
  }
  expect(events.slice(-3)).toEqual(['log_lines_dropped', 'vault_stopping', 'vault_stopped']);
  expect(await ended).toEqual([0, null]);
});
