import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { openStores } from '../../src/store/open_stores.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { spawnServe } from '../scenarios/spawn_serve.ts';

const DAY = 86_400_000;
/** Several batches of one run. */
const CREDENTIALS = 1_100;
const LIFE = 61;

let sandbox: Sandbox;
let folder: string;
beforeEach(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
  folder = mkdtempSync(join(tmpdir(), 'expiry-'));
  return async () => {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  };
});

/** The real program, whose jobs run as soon as it starts. */
function serve() {
  const child = spawnServe(folder, { TOKENVAULT_SANDBOX: sandbox.url });
  child.stdout.resume();
  const ended = once(child, 'exit');
  return {
    kill(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
    /** Resolves at the `count`th log line of a published event, at once for 0; or when the process exits. */
    published(count: number) {
      let seen = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      if (count === 0) resolve();
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (line.includes('"event":"event_published"')) seen += 1;
        if (seen === count) resolve();
      });
      void ended.then(() => resolve());
      return promise;
    },
  };
}

async function fill(): Promise<void> {
  const stores = await openStores({
    databaseUrl: `sqlite:${join(folder, 'data', 'vault.db')}`,
    keySource: `file:${join(folder, 'keys', 'kek')}`,
    clock: sandbox.clock,
  });
  const tenant = sampleTenant();
  const app = sampleApp(tenant);
  await stores.tenants.register({ tenant, app, credential: undefined });
  const end = sandbox.clock.now() + LIFE * DAY;
  for (let index = 0; index < CREDENTIALS; index += 1)
    await stores.apps.addCredential(app, sampleCredential(app, `secret-${index}`, end));
  await stores.close();
}

/** The number of events of each threshold, and of credentials with one, read from the database file. */
function outbox(): Record<string, { events: number; of: number }> {
  const rows = query<{ days: number; events: number; of: number }>(
    `SELECT json_extract(data, '$.thresholdDays') AS days, count(*) AS events, count(DISTINCT subject) AS 'of'
       FROM outbox WHERE type LIKE 'credential.%' GROUP BY days`,
  );
  return Object.fromEntries(rows.map(({ days, events, of }) => [days, { events, of }]));
}

function due(): number {
  const now = sandbox.clock.now();
  return (
    query<{ count: number }>(`SELECT count(*) AS count FROM credentials WHERE reminder_time <= ${now}`)[0]?.count ?? -1
  );
}

function query<Found>(text: string): Found[] {
  const database = new Sqlite(join(folder, 'data', 'vault.db'), { readonly: true });
  try {
    return database.prepare(text).all() as Found[];
  } finally {
    database.close();
  }
}

test('a vault killed repeatedly during its jobs publishes each reminder once, and loses none', {
  timeout: 180_000,
}, async () => {
  await fill();
  const ALL = { events: CREDENTIALS, of: CREDENTIALS };
  const expected: Record<string, { events: number; of: number }> = {};
  /** Kills that interrupted a run. */
  let torn = 0;

  // Within 30 days, after which events are deleted.
  for (const daysLeft of [14, 3, 0]) {
    const end = query<{ end: number }>('SELECT max(expire_time) AS end FROM credentials')[0]?.end ?? 0;
    sandbox.clock.set(end - daysLeft * DAY + 60_000);
    for (const line of [1, 501]) {
      const victim = serve();
      await victim.published(Math.min(line, due()));
      await victim.kill('SIGKILL');
      const left = due();
      if (left > 0 && left < CREDENTIALS) torn += 1;
    }
    const survivor = serve();
    await vi.waitFor(() => expect(due()).toBe(0), { timeout: 30_000, interval: 25 });
    await survivor.kill('SIGTERM');

    expected[daysLeft] = ALL;
    expect(outbox()).toEqual(expected);
  }
  expect(torn).toBeGreaterThan(0);
});
