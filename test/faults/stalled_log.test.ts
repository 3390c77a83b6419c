import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test, vi } from 'vitest';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { createClient, type RpcError } from '../../src/rpc/grpc_client.ts';
import { spawnServe } from '../scenarios/spawn_serve.ts';

/** A vault in its own process, whose standard output and error are read only by the test. */
async function serve(environment: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawnServe(folder, environment);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let welcome = '';
  while (!welcome.includes('Register a tenant')) {
    const chunk: Buffer | null = child.stdout.read();
    if (chunk === null) await once(child.stdout, 'readable');
    else welcome += chunk.toString('utf8');
  }
  const tenants = createClient(TenantService, /admin +grpc:\/\/(\S+)/.exec(welcome)?.[1] ?? '');
  onTestFinished(() => tenants.close());
  const ops = /ops +(http:\/\/[^/\s]+)\//.exec(welcome)?.[1] ?? '';
  return { child, ended, tenants, ops };
}

test('a vault with a stalled log continues to serve, reports dropped lines, and stops', async () => {
  const { child, ended, tenants, ops } = await serve({ TOKENVAULT_LOG_LEVEL: 'debug' });

  // At level debug each request is a line: 3 MB exceed the buffers of pipe and vault.
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

test('with a stalled audit log on standard output calls fail, and recover once it is read', async () => {
  const { child, tenants, ops } = await serve({ TOKENVAULT_AUDIT_FILE: '-' });
  const list = () =>
    tenants.listTenants({}).then(
      () => 'OK',
      (error: RpcError) => error.reason,
    );
  let reasons: unknown[] = [];
  // Each call is a line of some hundred bytes; the pipe buffers less than a megabyte.
  for (let call = 0; call < 5_000 && !reasons.includes('AUDIT_UNAVAILABLE'); call += 100)
    reasons = await Promise.all(Array.from({ length: 100 }, list));
  expect(reasons).toContain('AUDIT_UNAVAILABLE');

  expect((await fetch(`${ops}/livez`)).status).toBe(200);
  expect((await fetch(`${ops}/readyz`)).status).toBe(503);

  child.stdout.resume();
  await vi.waitFor(async () => expect((await fetch(`${ops}/readyz`)).status).toBe(200), { timeout: 20_000 });
});
