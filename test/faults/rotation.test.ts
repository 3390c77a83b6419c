import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { RotationCrashPoint } from '../crash_points.ts';
import { advanceClock } from '../scenarios/advance_clock.ts';
import { askForToken, DAY, getApp, HOUR, registerAtEntra, registerAtVault } from './rotating_vault.ts';
import { startVaultProcess, type VaultProcess } from './vault_process.ts';

/** The crash points of one rotation, in order; the vault is restarted after each. */
const CRASHES: readonly (readonly RotationCrashPoint[])[] = [
  ['rotation_begun'],
  ['rotation_added'],
  ['rotation_added', 'rotation_orphan_removed'],
  ['rotation_sealed'],
  ['rotation_proved'],
  ['rotation_preferred'],
  ['rotation_watched'],
  ['rotation_removed'],
  ['rotation_done'],
  ['rotation_begun', 'rotation_added', 'rotation_added', 'rotation_sealed', 'rotation_proved', 'rotation_removed'],
];

let sandbox: Sandbox;
let folder: string;
let vault: VaultProcess;
beforeEach(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  folder = mkdtempSync(join(tmpdir(), 'rotation-'));
  vault = await startVaultProcess(folder, sandbox.url);
  return async () => {
    vault.kill('SIGKILL');
    await vault.ended;
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  };
});

/** Results of calls, except those during a crash. */
let outcomes: string[] = [];

/** Advances two hours, so that a call needs Entra. False: the vault crashed. */
async function goOn(): Promise<boolean> {
  await advanceClock(sandbox, 2 * HOUR);
  if (!(await vault.round())) return false;
  outcomes.push(await askForToken(vault));
  return true;
}

function rotationEvents(): { type: string; step: string | null }[] {
  const database = new Sqlite(join(folder, 'data', 'vault.db'), { readonly: true });
  try {
    return database
      .prepare(
        `SELECT type, json_extract(data, '$.step') AS step FROM outbox
          WHERE type IN ('credential.rotating', 'credential.rotation_failed', 'credential.unknown', 'credential.rejected')
          ORDER BY sequence`,
      )
      .all() as { type: string; step: string | null }[];
  } finally {
    database.close();
  }
}

test.each(CRASHES.map((points) => [points.join(', then '), points] as const))(
  'kill -9 at %s: the rotation continues, leaves no orphan at Entra, and no call fails',
  async (_, points) => {
    outcomes = [];
    const registration = registerAtEntra(sandbox, 40 * DAY);
    await registerAtVault(vault, sandbox, registration);
    const [old] = registration.secrets;
    await advanceClock(sandbox, 11 * DAY);

    for (const point of points) {
      await vault.arm(point);
      let rounds = 0;
      while (await goOn()) {
        rounds += 1;
        if (rounds > 100) throw new Error(`it never reached ${point}`);
      }
      expect(await vault.ended).toBe('SIGKILL');
      vault = await startVaultProcess(folder, sandbox.url);
    }

    let app = await getApp(vault);
    for (
      let rounds = 0;
      rounds < 100 && (app.rotationStatus !== undefined || app.credentials.length > 1);
      rounds += 1
    ) {
      expect(await goOn()).toBe(true);
      app = await getApp(vault);
    }
    const [secret, ...others] = registration.secrets;
    expect(others).toEqual([]);
    expect(secret?.keyId).not.toBe(old?.keyId);
    expect(app.credentials.map(({ entraKeyId }) => entraKeyId)).toEqual([secret?.keyId]);
    await goOn();
    expect(new Set(outcomes)).toEqual(new Set(['OK']));
    expect(rotationEvents()).toEqual(
      ['ADDED', 'PREFERRED', 'REMOVED'].map((step) => ({ type: 'credential.rotating', step })),
    );
  },
);
