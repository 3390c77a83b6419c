import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { EventService } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { type Receiver, startReceiver, status } from '../event_delivery/receiver.ts';
import { advanceClock } from '../scenarios/advance_clock.ts';
import { APP, askForToken, DAY, getApp, HOUR, MINUTE, registerAtEntra, registerAtVault } from './rotating_vault.ts';
import { startVaultProcess, type VaultProcess } from './vault_process.ts';

let sandbox: Sandbox;
let folder: string;
let vault: VaultProcess;
/** The first one has outages; the other one has none. */
let frail: Receiver;
let sound: Receiver;
/** Start of the year. */
let start: number;
beforeEach(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  start = sandbox.clock.now();
  folder = mkdtempSync(join(tmpdir(), 'year-'));
  const secrets = ['frail', 'sound'].map((id) => {
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    writeFileSync(join(folder, id), secret, { mode: 0o400 });
    return secret;
  });
  frail = await startReceiver(secrets[0] ?? '');
  sound = await startReceiver(secrets[1] ?? '');
  const sink = (id: string, { url }: Receiver) =>
    `  - id: ${id}\n    url: ${url}\n    secret_file: ${id}\n    types: [credential.]\n`;
  writeFileSync(join(folder, 'sinks.yaml'), `sinks:\n${sink('frail', frail)}${sink('sound', sound)}`);
  vault = await serve();
  return async () => {
    vault.kill('SIGKILL');
    await vault.ended;
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  };
});

function serve(): Promise<VaultProcess> {
  const environment = { TOKENVAULT_SINKS_FILE: join(folder, 'sinks.yaml') };
  return startVaultProcess(folder, sandbox.url, { environment });
}

async function dieAndComeBack(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  vault.kill(signal);
  await vault.ended;
  vault = await serve();
}

/** In addition to the rotated secret, one without rotation, so that each threshold of it is reached. */
async function addForgottenApp(end: number): Promise<void> {
  const { clientId, secrets } = sandbox.addApp({ secrets: [{ endTime: end }] });
  const apps = createClient(AppService, vault.addresses.admin);
  try {
    await apps.createApp({
      parent: 'tenants/acme',
      appId: 'forgotten',
      app: { clientId, cloud: Cloud.CUSTOM },
      credential: {
        material: { case: 'clientSecret', value: secrets[0]?.value ?? '' },
        expireTime: timestampFromMs(end),
      },
    });
  } finally {
    apps.close();
  }
}

async function redeliver(sink: string): Promise<number> {
  const expiry = createClient(EventService, vault.addresses.admin);
  try {
    return (await expiry.redeliverDeadLetters({ sink })).count;
  } finally {
    expiry.close();
  }
}

interface PublishedEvent {
  readonly uid: string;
  readonly type: string;
  readonly subject: string;
  readonly day: number;
  readonly days: number | null;
  readonly step: string | null;
}

/** Read from the database file. */
function outbox(): PublishedEvent[] {
  const database = new Sqlite(join(folder, 'data', 'vault.db'), { readonly: true });
  try {
    return database
      .prepare(
        `SELECT uid, type, subject, (time - ${start}) / ${DAY} AS day,
                json_extract(data, '$.thresholdDays') AS days, json_extract(data, '$.step') AS step
           FROM outbox WHERE type LIKE 'credential.%' ORDER BY sequence`,
      )
      .all() as PublishedEvent[];
  } finally {
    database.close();
  }
}

/** All events, because the outbox deletes them after a month. */
const diary = new Map<string, PublishedEvent>();

test('a year: two rotations, each reminder once per sink, no lost event, and no failed call', {
  timeout: 300_000,
}, async () => {
  diary.clear();
  const registration = registerAtEntra(sandbox, 100 * DAY);
  await registerAtVault(vault, sandbox, registration);
  await addForgottenApp(start + 120 * DAY);
  const failed: string[] = [];

  for (let day = 1; day <= 365; day += 1) {
    // A new secret must be checked regularly to be preferred: hourly runs then.
    const isRenewing = (await getApp(vault)).rotationStatus !== undefined;
    for (let hour = isRenewing ? 1 : 24; hour < 24; hour += 1) {
      await advanceClock(sandbox, start + (day - 1) * DAY + hour * HOUR - sandbox.clock.now());
      expect(await vault.round()).toBe(true);
      const outcome = await askForToken(vault);
      if (outcome !== 'OK') failed.push(`${day} ${hour}:00: ${outcome}`);
    }
    await advanceClock(sandbox, start + day * DAY + MINUTE - sandbox.clock.now());
    if (day === 58) frail.answer = status(500);
    if (day === 62) frail.answer = status(204);
    // Long enough to become a dead letter.
    if (day === 104) frail.answer = (_, response) => void response.destroy();
    if (day === 111) {
      frail.answer = status(204);
      expect(await redeliver('frail')).toBeGreaterThan(0);
    }
    if (day % 45 === 0) {
      // During a run.
      const cut = vault.round();
      await dieAndComeBack('SIGKILL');
      await cut;
    }
    if (day % 60 === 0) await dieAndComeBack('SIGTERM');
    expect(await vault.round()).toBe(true);
    const outcome = await askForToken(vault);
    if (outcome !== 'OK') failed.push(`${day}: ${outcome}`);
    for (const event of outbox()) diary.set(event.uid, event);
  }
  await vault.round();

  expect(failed).toEqual([]);
  const published = [...diary.values()];
  const steps = published.filter(({ type }) => type === 'credential.rotating').map(({ step }) => step);
  expect(steps).toEqual(['ADDED', 'PREFERRED', 'REMOVED', 'ADDED', 'PREFERRED', 'REMOVED']);
  const app = await getApp(vault);
  expect(app.credentials.map(({ entraKeyId }) => entraKeyId)).toEqual(registration.secrets.map(({ keyId }) => keyId));

  const thresholds = new Map<string, (number | null)[]>();
  for (const { type, subject, days } of published)
    if (/expir/.test(type)) thresholds.set(subject, [...(thresholds.get(subject) ?? []), days]);
  const [current, renewed] = [app.credentials[0]?.name ?? '', thresholds.keys().find((name) => /rotated/.test(name))];
  expect(Object.fromEntries(thresholds)).toEqual({
    [`${APP}/credentials/default`]: [60, 30],
    [renewed ?? '']: [60, 30],
    [current]: [60],
    'tenants/acme/apps/forgotten/credentials/default': [60, 30, 14, 7, 3, 1, 0],
  });
  // No unknown credential, no expiry mismatch, no rejection, no failed rotation.
  expect(published.filter(({ type }) => !/expir|rotating/.test(type))).toEqual([]);

  const ids = published.map(({ uid }) => uid).toSorted();
  for (const receiver of [frail, sound]) {
    expect(receiver.forged).toBe(0);
    expect([...new Set(receiver.received.map(({ id }) => id))].toSorted()).toEqual(ids);
  }
});
