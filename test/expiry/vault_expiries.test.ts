import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { VaultExpiry } from '../../src/expiry/published_event_and_vault_expiry_metrics.ts';
import { silentExpiryMetrics } from '../../src/expiry/published_event_and_vault_expiry_metrics.ts';
import type { ApiKeyExpiry } from '../../src/expiry/vault_certificate_and_key_reminders.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { NOW } from '../conformance/sample_rows.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';
import { openWatchWorld, type WatchWorld } from './expiry_setup.ts';

let world: WatchWorld;
let certFile: string;
beforeEach(async () => {
  world = await openWatchWorld();
  // Only events of the vault itself.
  await world.stores.apps.removeCredential(world.app.uid, 'first');
  await world.stores.connections.delete(world.connection);
  certFile = join(temporaryFolder(), 'tls.pem');
});

function key(id: string, credentialId: string, days: number): ApiKeyExpiry {
  return { caller: { id, credentialId, expireTime: NOW + days * DAY } };
}

function writeCertificates(...days: readonly number[]): void {
  writeFileSync(certFile, days.map((day) => makeCertificate(NOW - DAY, NOW + day * DAY).certificate).join('\n'));
}

async function published() {
  return (await world.published()).map(({ subject, severity, data }) => [
    subject,
    severity,
    'thresholdDays' in data ? data.thresholdDays : undefined,
  ]);
}

test('TLS certificates cause events by the earliest expiry of their chain, also after a renewal', async () => {
  writeCertificates(300, 10);
  const scheduler = await world.schedule('one', { tls: { certFile, clientCaFiles: [] } });
  expect(await world.published()).toMatchObject([
    {
      type: 'vault.credential_expiring',
      subject: 'vault/tls-certificate',
      tenantUid: '',
      tenantId: '',
      data: { kind: 'TLS_CERTIFICATE', expireTime: NOW + 10 * DAY, thresholdDays: 14 },
    },
  ]);
  writeCertificates(300, 100);
  world.clock.time = NOW + 95 * DAY;
  await scheduler.runOnce();
  expect(await published()).toEqual([
    ['vault/tls-certificate', 'WARNING', 14],
    ['vault/tls-certificate', 'WARNING', 7],
  ]);
});

test('API keys cause events, less urgent ones if the caller has the next key already', async () => {
  const apiKeys = [key('mail', 'old', 2), key('mail', 'new', 400), key('bot', 'only', 2)];
  await world.schedule('one', { apiKeys: () => apiKeys });
  expect(await published()).toEqual([
    ['vault/callers/mail/keys/old', 'INFO', 3],
    ['vault/callers/bot/keys/only', 'CRITICAL', 3],
  ]);
});

test('each threshold is published once, by all replicas, also after the outbox deleted its event', async () => {
  const apiKeys = [key('bot', 'only', 90)];
  const own = { apiKeys: () => apiKeys, thresholds: [80] };
  const scheduler = await world.schedule('one', own);
  for (const day of [11, 12, 30, 60]) {
    world.clock.time = NOW + day * DAY;
    await scheduler.runOnce();
    if (day === 12) await world.schedule('two', own);
  }
  expect(await published()).toEqual([['vault/callers/bot/keys/only', 'INFO', 80]]);
  await world.stores.outbox.sweep(world.clock.time, 1_000);
  world.clock.time += DAY;
  await scheduler.runOnce();
  expect(await published()).toEqual([]);
});

test('CAs of client certificates expire with the last of their file, and short-lived ones are left out', async () => {
  writeCertificates(10, 40);
  const shortLived = join(temporaryFolder(), 'spire.pem');
  writeFileSync(shortLived, makeCertificate(NOW - DAY, NOW + DAY).certificate);
  const clientCaFiles = [
    { namespace: 'dns', file: certFile },
    { namespace: 'spiffe://acme.example', file: shortLived },
  ];
  const seen: (readonly VaultExpiry[])[] = [];
  const metrics = { ...silentExpiryMetrics, vaultExpiries: (all: readonly VaultExpiry[]) => void seen.push(all) };
  await world.schedule('one', { metrics, tls: { certFile, clientCaFiles } });

  expect(seen[0]?.map(({ subject, expireTime }) => [subject, expireTime])).toEqual([
    ['vault/tls-certificate', NOW + 10 * DAY],
    ['vault/tls-client-ca/dns', NOW + 40 * DAY],
  ]);
});

test('are read once an hour, and all are reported to the metrics', async () => {
  const seen: (readonly VaultExpiry[])[] = [];
  const metrics = { ...silentExpiryMetrics, vaultExpiries: (all: readonly VaultExpiry[]) => void seen.push(all) };
  writeCertificates(500);
  const parts = {
    metrics,
    tls: { certFile, clientCaFiles: [{ namespace: 'dns', file: certFile }] },
    apiKeys: () => [key('bot', 'only', 500)],
  };
  const scheduler = await world.schedule('one', parts);
  world.clock.time = NOW + HOUR - MINUTE;
  await scheduler.runOnce();
  expect(seen).toHaveLength(1);
  expect(seen[0]?.map(({ kind, subject }) => [kind, subject])).toEqual([
    ['TLS_CERTIFICATE', 'vault/tls-certificate'],
    ['TLS_CERTIFICATE', 'vault/tls-client-ca/dns'],
    ['API_KEY', 'vault/callers/bot/keys/only'],
  ]);
  world.clock.time = NOW + HOUR;
  await scheduler.runOnce();
  expect(seen).toHaveLength(2);
});

test.each([
  ['is not there', undefined],
  ['holds no certificate', 'nothing'],
  ['is torn', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
])('a TLS file that %s is reported, and does not block other events', async (_, text) => {
  if (text !== undefined) writeFileSync(certFile, text);
  await world.schedule('one', { tls: { certFile, clientCaFiles: [] }, apiKeys: () => [key('bot', 'only', 1)] });
  expect(await published()).toEqual([['vault/callers/bot/keys/only', 'CRITICAL', 1]]);
  expect(world.lines.filter(({ name }) => name === 'tls_certificate_unreadable')).toHaveLength(1);
});

describe('the root key', () => {
  /** A vault whose root key is this old. */
  const kekOf = (days: number) => {
    world.clock.time = NOW + days * DAY;
    return world.stores.kekAge();
  };

  test('causes one event for each year of use, across restarts, replicas and downtime', async () => {
    const published = new Map<string, readonly [number, unknown]>();
    const { kekId } = await kekOf(0);
    for (let day = 0; day <= 1_300; day += 1) {
      if (day > 1_000 && day < 1_250) continue;
      world.clock.time = NOW + day * DAY;
      await world.schedule(day % 2 === 0 ? 'one' : 'two').then((scheduler) => scheduler.close());
      for (const { uid, dedupeKey } of await world.published())
        if (!published.has(uid)) published.set(uid, [day, dedupeKey]);
      await world.stores.outbox.sweep(world.clock.time - 30 * DAY, 1_000);
    }
    expect([...published.values()]).toEqual([
      [365, `vault.root_key_rotation_due/${kekId}/365`],
      [730, `vault.root_key_rotation_due/${kekId}/730`],
      [1_250, `vault.root_key_rotation_due/${kekId}/1095`],
    ]);
  });

  test('causes an event with its age, without an expiry date', async () => {
    const { kekId } = await kekOf(366);
    await world.schedule('one');
    expect(await world.published()).toMatchObject([
      {
        type: 'vault.root_key_rotation_due',
        dedupeKey: `vault.root_key_rotation_due/${kekId}/365`,
        severity: 'WARNING',
        subject: 'vault/root-key',
        tenantId: '',
        data: { ageDays: 365 },
      },
    ]);
  });

  test('has no age after a rotation', async () => {
    await kekOf(366);
    const kekAge = async () => ({ kekId: 'another', since: NOW + 365 * DAY, lastRemindedDays: undefined });
    await world.schedule('one', { stores: { ...world.stores, kekAge } });
    expect(await world.published()).toEqual([]);
  });
});
