import { createHmac, createSecretKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { createKeySource } from '../../src/keyring/create_root_key_source.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { verifyAuditFiles } from '../audit/verify_all_files.ts';
import { advanceClock } from '../scenarios/advance_clock.ts';
import { importAda, registerAcme } from '../scenarios/onboard.ts';
import { createClients } from '../scenarios/start_scenario.ts';
import { startVaultProcess, type VaultProcess } from './vault_process.ts';

const POINTS = ['before_lease', 'after_lease', 'after_entra', 'after_record', 'after_audit', 'after_reply'] as const;
const TIMES = 5;
const CONNECTION = 'tenants/acme/connections/ada';

let sandbox: Sandbox;
let folder: string;
/** The running vault: each start serves the check after the last crash, and is crashed next. */
let vault: VaultProcess;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
  folder = mkdtempSync(join(tmpdir(), 'crash-'));
  vault = await startVaultProcess(folder, sandbox.url);
  const clients = createClients(vault.addresses, {});
  await importAda({ sandbox, ...clients }, await registerAcme(clients), 'ada');
  clients.close();
});
afterAll(async () => {
  vault.kill('SIGKILL');
  await vault.ended;
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Every access token that a caller received in this file. */
const seen = new Set<string>();

async function ask(): Promise<string | undefined> {
  const tokens = createClient(TokenService, vault.addresses.grpc);
  try {
    const { accessToken } = await tokens.getAccessToken({ connection: CONNECTION, scopes: ['Mail.ReadOnly'] });
    seen.add(accessToken);
    return accessToken;
  } catch {
    return undefined;
  } finally {
    tokens.close();
  }
}

async function acceptedByGraph(token: string | undefined): Promise<number> {
  const response = await fetch(`${sandbox.url}/graph/v1.0/me/messages`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await response.body?.cancel();
  return response.status;
}

const exchanges = () => sandbox.requests().filter(({ grant }) => grant === 'refresh_token').length;

test.each(POINTS.flatMap((point) => Array.from({ length: TIMES }, (_, i) => [point, i + 1] as const)))(
  'kill -9 %s, time %i: served after the next start, and at most one exchange more',
  async (point) => {
    await advanceClock(sandbox, 3 * 3_600_000);
    const before = exchanges();
    await vault.arm(point);
    await ask();
    expect(await vault.ended).toBe('SIGKILL');

    vault = await startVaultProcess(folder, sandbox.url);
    expect(await acceptedByGraph(await ask())).toBe(200);
    expect(exchanges() - before).toBeGreaterThanOrEqual(1);
    expect(exchanges() - before).toBeLessThanOrEqual(2);
  },
);

test('the audit log contains every served token, and its chain is valid', async () => {
  vault.kill('SIGTERM');
  await vault.ended;
  const keks = await createKeySource(`file:${join(folder, 'keys/kek')}`).load();
  const database = await openDatabase({ url: `sqlite:${join(folder, 'data/vault.db')}` });
  const stores = await createStores({ database, keks, clock: sandbox.clock });
  const key = createSecretKey(await stores.audit.auditKey());
  const streams = await stores.audit.listStreams();
  await stores.close();

  const text = readFileSync(join(folder, 'data/audit.jsonl'), 'utf8');
  const report = verifyAuditFiles({ files: [{ name: 'audit.jsonl', lines: text.split('\n') }], key, streams });
  expect(report).toMatchObject({
    streams: [{ faults: [], missing: [], checkpoint: 'found' }],
    unseen: [],
    unknown: [],
  });
  expect(seen.size).toBeGreaterThan(0);
  for (const token of seen) {
    const fingerprint = createHmac('sha256', key).update(token, 'utf8').digest('hex').slice(0, 16);
    expect(text).toContain(`"token":"${fingerprint}"`);
  }
});
