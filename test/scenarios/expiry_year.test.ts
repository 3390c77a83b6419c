import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Event } from '../../src/gen/tokenvault/v1/event_pb.ts';
import { type Receiver, startReceiver, status } from '../event_delivery/receiver.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const DAY = 86_400_000;

let receiver: Receiver;
let scenario: Scenario;
/** When the year begins. */
let start: number;
/** A round of the watch, then one of the sinks. */
let round: () => Promise<void>;
beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sinks-'));
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  receiver = await startReceiver(secret);
  writeFileSync(join(folder, 'secret'), secret, { mode: 0o400 });
  writeFileSync(
    join(folder, 'sinks.yaml'),
    `sinks:\n  - id: ops\n    url: ${receiver.url}\n    secret_file: secret\n    types: [credential., vault.]\n`,
  );
  scenario = await startScenario({
    environment: { SINKS_FILE: join(folder, 'sinks.yaml') },
    seams: {
      // Keeps the events of the whole year, to be read at its end.
      decorate: (outside) => {
        const outbox = { ...outside.stores.outbox, sweep: async () => 0 };
        return { ...outside, stores: { ...outside.stores, outbox } };
      },
      onJobsStarted({ scheduler, deliveries: sinks }) {
        round = async () => {
          await scheduler.runOnce();
          await sinks.runOnce();
        };
      },
    },
  });
  start = scenario.sandbox.clock.now();
  return async () => {
    await scenario.close();
    rmSync(folder, { recursive: true, force: true });
  };
});

const at = (day: number) => start + day * DAY;

/** Some minutes after each day has begun, so that a threshold of that day is in force. */
let today = 0;
async function until(day: number, step = 1, daily: () => Promise<void> = async () => {}): Promise<void> {
  while (today < day) {
    const ahead = Math.min(step, day - today);
    today += ahead;
    await scenario.later(at(today) + 60_000 - scenario.sandbox.clock.now());
    await round();
    await daily();
  }
}

async function addSecret(tenant: Onboarded, credentialId: string, day: number): Promise<void> {
  const endTime = at(day);
  const { value } = scenario.sandbox.addSecret(tenant.clientId, { endTime });
  await scenario.apps.addCredential({
    parent: tenant.app,
    credentialId,
    credential: { material: { case: 'clientSecret', value }, expireTime: timestampFromMs(endTime) },
  });
}

function thresholds(tenant: Onboarded, days: number[]) {
  return scenario.tenants.updateTenant({
    tenant: { name: tenant.name, expiryThresholdsDays: days },
    updateMask: { paths: ['expiry_thresholds_days'] },
  });
}

/** Reported thresholds by credential: day and threshold; 0 is the expiry. */
type Diary = Record<string, [day: number, threshold: number][]>;

function diaryOf(events: readonly { subject: string; time: number; threshold: number }[]): Diary {
  const diary: Diary = {};
  for (const { subject, time, threshold } of events) {
    diary[subject] ??= [];
    diary[subject].push([Math.floor((time - start) / DAY), threshold]);
  }
  return diary;
}

const fromStream = ({ subject, time, data }: Event) => ({
  subject,
  time: Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6,
  threshold: Number(data['thresholdDays']),
});

/** All that the outbox keeps, as an operator sees it who was away. */
async function streamed(count: number): Promise<Event[]> {
  const events: Event[] = [];
  const request = { parent: 'tenants/-', cursor: '-', types: ['credential.'] };
  for await (const { event } of scenario.events.watchEvents(request)) {
    if (event !== undefined) events.push(event);
    if (events.length >= count) break;
  }
  return events;
}

/** How many the outbox holds, by the file itself. */
function stored(): number {
  const database = new Sqlite(join(scenario.folder, 'vault.db'), { readonly: true });
  onTestFinished(() => void database.close());
  return database.prepare("SELECT count(*) FROM outbox WHERE type LIKE 'credential.%'").pluck().get() as number;
}

test('a year of tenants: each threshold is reported once, no event is lost, and no call fails', {
  timeout: 90_000,
}, async () => {
  const acme = await onboard(scenario, 'acme', {
    entra: { secrets: [{ endTime: at(90) }] },
    app: { secretExpireTime: timestampFromMs(at(90)) },
  });
  const pem = makeCertificate(start - DAY, at(120));
  const certs = await onboard(scenario, 'certs', {
    app: {
      credential: {
        case: 'certificate',
        value: { $typeName: 'tokenvault.v1.CertificateMaterial', ...material(pem) },
      },
    },
  });
  scenario.sandbox.addCertificate(certs.clientId, pem.certificate);
  const endless = await onboard(scenario, 'endless', {
    app: { secretExpireTime: timestampFromMs(Date.UTC(2299, 11, 31)) },
  });
  await onboard(scenario, 'unknown');
  const late = await onboard(scenario, 'late', { app: { secretExpireTime: timestampFromMs(at(2) + 3_600_000) } });
  const away = await onboard(scenario, 'away', { app: { secretExpireTime: timestampFromMs(at(300)) } });
  const connection = await importAda(scenario, acme, 'ada');
  const failed: string[] = [];
  const ask = async () => {
    const reason = await reasonOf(scenario.tokens.getAccessToken({ connection }));
    if (reason !== 'OK') failed.push(`${today}: ${reason}`);
  };

  await round();
  await until(59, 1, ask);
  // The receiver is dead for two days; one of them is the day of a threshold.
  receiver.answer = status(500);
  const before = receiver.received.length;
  await until(61, 1, ask);
  // Then it takes events, but its answers are lost on the way.
  receiver.answer = (_, response) => void response.destroy();
  await until(62, 1, ask);
  receiver.answer = status(204);
  const dead = receiver.received.slice(before);
  await until(80, 1, ask);
  await addSecret(acme, 'second', 200);
  await until(100, 1, ask);
  await thresholds(acme, [2, 45, 10]);
  await until(150, 1, ask);
  await scenario.restart();
  await round();
  await until(190, 1, ask);
  await addSecret(acme, 'third', 600);
  await until(205, 1, ask);
  await thresholds(acme, []);
  await scenario.apps.removeCredential({ name: `${acme.app}/credentials/default` });
  await until(230, 1, ask);
  await scenario.restart();
  await until(250, 1, ask);
  // Three weeks at once, twice: at the second check two thresholds have passed, and the more urgent one is reported.
  await until(292, 21, ask);
  await until(365, 7, ask);

  expect(failed).toEqual([]);
  const name = (tenant: Onboarded, id = 'default') => `${tenant.app}/credentials/${id}`;
  const diary: Diary = {
    [name(acme)]: [
      [30, 60],
      [60, 30],
      [76, 14],
      [83, 7],
      [87, 3],
      [89, 1],
      [90, 0],
    ],
    // 60 days before its end its tenant had thresholds of its own.
    [name(acme, 'second')]: [
      [155, 45],
      [190, 10],
      [198, 2],
      [200, 0],
    ],
    [name(certs)]: [
      [60, 60],
      [90, 30],
      [106, 14],
      [113, 7],
      [117, 3],
      [119, 1],
      [120, 0],
    ],
    [name(late)]: [
      [0, 3],
      [2, 1],
      [3, 0],
    ],
    [name(away)]: [
      [240, 60],
      [271, 30],
      [292, 14],
      [299, 1],
      [306, 0],
    ],
  };
  const count = Object.values(diary).flat().length;
  const events = await streamed(count);
  expect(diaryOf(events.map(fromStream))).toEqual(diary);
  expect(stored()).toBe(count);
  expect(events.some(({ subject }) => subject.startsWith(endless.name))).toBe(false);

  // At least once on the wire, each with one and the same id, all of them signed.
  await round();
  const heard = new Map(receiver.received.map(({ id, event }) => [id, event]));
  expect(receiver.forged).toBe(0);
  const others = [...heard.values()].filter(({ type }) => !String(type).startsWith('tokenvault.credential.'));
  // The root key is a year old by now.
  expect(others).toMatchObject([
    { type: 'tokenvault.vault.root_key_rotation_due', subject: 'vault/root-key', data: { ageDays: '365' } },
  ]);
  const wanted = [...events, ...others].map(({ id }) => String(id));
  expect([...heard.keys()].toSorted()).toEqual(wanted.toSorted());
  expect(dead.length).toBeGreaterThan(new Set(dead.map(({ id }) => id)).size);
  for (const { id, type, subject, data } of events) {
    expect(heard.get(id)).toMatchObject({ specversion: '1.0', id, type: `tokenvault.${type}`, subject, data });
  }
  const severities = Object.fromEntries(
    events
      .filter(({ subject }) => subject === name(acme))
      .map(({ id, data }) => [data['thresholdDays'], heard.get(id)?.['severity']]),
  );
  // From the day on which the next secret was there, nobody need be woken.
  expect(severities).toEqual({ 60: 'INFO', 30: 'INFO', 14: 'WARNING', 7: 'INFO', 3: 'INFO', 1: 'INFO', 0: 'INFO' });
});

function material({ certificate, privateKey }: { certificate: string; privateKey: string }) {
  return { certificatePem: certificate, privateKeyPem: privateKey };
}
