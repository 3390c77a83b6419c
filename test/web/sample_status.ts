import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { ROTATION_STEPS } from '../../src/model/secret_rotation.ts';
import type { OpenWork } from '../../src/status/read_open_work.ts';
import type { VaultStatus } from '../../src/status/vault_status.ts';
import { MOST_ROWS } from '../../src/web/status_page/page_elements.ts';
import type { StatusPageParts } from '../../src/web/status_page/status_response.ts';
import type { ShownStatus } from '../../src/web/status_page/vault_problems.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';

export const NOW = Date.UTC(2026, 10, 30, 18, 20, 5);

const [STEP] = ROTATION_STEPS;
const replica = { version: '0.1.0', feedPosition: 48_211, changesBehind: 0 };

function expiring(tenantId: string, days: number, credentialId = 'default'): VaultStatus['expiring'][number] {
  const app = sampleApp(sampleTenant(tenantId));
  return { app, credential: sampleCredential(app, credentialId, NOW + days * DAY + HOUR).credential };
}

/** Three replicas on PostgreSQL. */
export const HEALTHY: ShownStatus = {
  readTime: NOW,
  status: {
    replica: 'token-vault-1-17',
    version: '0.1.0',
    ready: true,
    checks: ['storage', 'audit', 'changes', 'callers', 'token_issuers', 'contained', 'serving'].map((name) => ({
      name,
      state: 'ok',
      message: undefined,
    })),
    database: { product: 'PostgreSQL', version: '18.4', migration: '0012_failing_apps' },
    replicas: [
      { ...replica, name: 'token-vault-0-17', startTime: NOW - 12 * DAY, heartbeatAge: 3_200 },
      { ...replica, name: 'token-vault-1-17', startTime: NOW - 12 * DAY + 2 * MINUTE, heartbeatAge: 1_100 },
      { ...replica, name: 'token-vault-2-17', startTime: NOW - 12 * DAY + 4 * MINUTE, heartbeatAge: 4_700 },
    ],
    leaders: ['background_jobs', 'event_delivery', 'keep_alive', 'outbox'].map((job, index) => ({
      job,
      replica: `token-vault-${index % 3}-17`,
      leaseRemaining: 21_000 + 1_500 * index,
    })),
    feed: { lag: 300, behind: false, position: 48_211 },
    rootKeys: { ids: ['4be02c7f91aa'.padEnd(32, '0')], currentSince: NOW - 140 * DAY },
    callersFile: { sha256: 'c1d5'.padEnd(64, '7'), loadTime: NOW - 12 * DAY },
    containments: [],
    expiring: [
      expiring('acme', 44),
      expiring('northwind', 61),
      expiring('globex', 118),
      expiring('contoso', 202, 'certificate-2026'),
    ],
    unread: [],
  },
  work: {
    failingApps: { total: 0, rows: [] },
    credentialRotations: [{ step: STEP, isFailing: false, count: 1, oldestBeginTime: NOW - DAY }],
    retiringRootKeys: [],
    rotatingDataKeys: 0,
    sinks: [
      { sinkId: 'ops', pending: 0, deadLetters: 0 },
      { sinkId: 'siem', pending: 3, deadLetters: 0 },
    ],
  },
};

export const failingApps = (count: number): OpenWork['failingApps'] => ({
  total: count,
  rows: Array.from({ length: Math.min(count, MOST_ROWS) }, (_, index) => ({
    tenantId: `tenant-${index}`,
    appId: 'default',
    reason: 'APP_CREDENTIAL_EXPIRED',
    stateReason: {
      reason: 'APP_CREDENTIAL_EXPIRED',
      entraError: 'invalid_client/AADSTS7000222',
      correlationId: 'c0ffee',
      time: NOW - (index + 1) * HOUR,
    },
  })),
});

const { status, work } = HEALTHY;

/** Problems of every kind. */
export const TROUBLED: ShownStatus = {
  readTime: NOW,
  status: {
    ...status,
    checks: status.checks.map((check) =>
      ['changes', 'callers', 'token_issuers', 'contained'].includes(check.name)
        ? { ...check, state: 'degraded', message: 'canary in a message' }
        : check,
    ),
    replicas: status.replicas.map((one, index) =>
      index === 2 ? { ...one, version: '0.0.9', heartbeatAge: 22_000, changesBehind: 1_204 } : one,
    ),
    leaders: status.leaders.map((leader) => (leader.job === 'outbox' ? { ...leader, replica: undefined } : leader)),
    feed: { lag: 42_000, behind: true, position: 48_211 },
    rootKeys: { ids: ['4be02c7f91aa'.padEnd(32, '0'), '90ff31'.padEnd(32, '1')], currentSince: NOW - 401 * DAY },
    containments: [
      {
        subject: 'tenants/globex',
        reason: 'canary: a reason',
        caller: 'canary-admin',
        createTime: NOW - HOUR,
        isLocal: false,
      },
      {
        subject: 'callers/mail-sync',
        reason: 'canary: a reason',
        caller: 'canary-admin',
        createTime: NOW - 40 * MINUTE,
        isLocal: true,
      },
    ],
    expiring: [expiring('acme', 1), expiring('northwind', 12), ...status.expiring.slice(2)],
    unread: [{ part: 'expiring_credentials', message: 'canary: the row of a credential' }],
  },
  work: work && {
    ...work,
    failingApps: failingApps(3),
    credentialRotations: [...work.credentialRotations, { step: STEP, isFailing: true, count: 2, oldestBeginTime: NOW }],
    retiringRootKeys: ['90ff31'.padEnd(32, '1')],
    rotatingDataKeys: 12,
    sinks: [
      { sinkId: 'ops', pending: 17, deadLetters: 4 },
      { sinkId: 'siem', pending: 12_048, deadLetters: 0 },
    ],
  },
};

/** An app whose secret has expired, and another secret that expires soon. */
export const SOME_PROBLEMS: ShownStatus = {
  ...HEALTHY,
  status: {
    ...status,
    replicas: status.replicas.slice(0, 2),
    leaders: status.leaders.map((leader, index) => ({ ...leader, replica: `token-vault-${index % 2}-17` })),
    expiring: [expiring('fabrikam', 12), ...status.expiring.slice(1, 3)],
  },
  work: work && {
    ...work,
    failingApps: { total: 1, rows: failingApps(1).rows.map((one) => ({ ...one, tenantId: 'acme' })) },
  },
};

/** 500 of everything that has no limit of its own. */
export const CROWDED: ShownStatus = {
  ...HEALTHY,
  status: {
    ...status,
    replicas: Array.from({ length: 12 }, (_, index) => ({
      ...replica,
      name: `token-vault-${index}-17`,
      startTime: NOW - DAY,
      heartbeatAge: 1_000,
    })),
    containments: Array.from({ length: 500 }, (_, index) => ({
      subject: `tenants/tenant-${index}`,
      reason: '',
      caller: '',
      createTime: NOW - HOUR,
      isLocal: false,
    })),
    expiring: Array.from({ length: MOST_ROWS }, (_, index) => expiring(`tenant-${index}`, 5 + index)),
  },
  work: work && {
    ...work,
    failingApps: failingApps(500),
    sinks: Array.from({ length: 500 }, (_, index) => ({ sinkId: `sink-${index}`, pending: 1, deadLetters: 1 })),
  },
};

/** The process knows its checks, its containments and its callers file. */
export const NO_DATABASE: ShownStatus = {
  readTime: NOW,
  status: {
    ...status,
    ready: false,
    checks: status.checks.map((check) =>
      check.name === 'storage' || check.name === 'serving' ? { ...check, state: 'failing', message: 'canary' } : check,
    ),
    database: undefined,
    replicas: [],
    leaders: [],
    feed: { lag: 61_000, behind: true, position: 48_211 },
    rootKeys: undefined,
    expiring: [],
    unread: (['database', 'replicas', 'leaders', 'root_keys', 'expiring_credentials'] as const).map((part) => ({
      part,
      message: 'canary',
    })),
  },
  work: undefined,
};

export function statusPageOf(shown: ShownStatus): StatusPageParts {
  return {
    status: { read: async () => shown.status },
    readOpenWork: async () => shown.work ?? Promise.reject(new Error('canary')),
    clock: { now: () => shown.readTime },
  };
}
