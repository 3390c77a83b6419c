import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { startOpsServer } from '../../src/web/probe_and_metrics_server.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { leaveStaleSocket } from '../listeners/socket_holder.ts';
import { createFakeWebParts } from './fake_web_parts.ts';
import { HEALTHY, statusPageOf } from './sample_status.ts';

const metrics = async () => ({ contentType: 'text/plain', text: '' });

test.each([
  ['ops', (address: string) => startOpsServer({ address, metrics, readiness: {}, statusPage: statusPageOf(HEALTHY) })],
  [
    'web',
    (address: string) =>
      startWebServer({ ...createFakeWebParts(), address, publicUrl: 'https://vault.example', log: silentLog }),
  ],
])(
  'the %s listener replaces the unix socket of a killed process, and its owner alone may open it',
  async (_, start) => {
    const folder = mkdtempSync(join(tmpdir(), 'web-sockets-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'vault.sock');
    await leaveStaleSocket(path);

    const server = await start(`unix:${path}`);
    onTestFinished(() => server.close());

    expect(statSync(path).mode & 0o777).toBe(0o600);
  },
);
