import { randomUUID } from 'node:crypto';
import type { Admission, AdmissionRequest, RefreshTokenRequest } from '../../src/entra/entra_client_interface.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { createContainedSet } from '../../src/model/contained_set.ts';
import type { Reason } from '../../src/model/errors.ts';
import { GRAPH } from '../../src/model/microsoft_resource_uri.ts';
import { Secret } from '../../src/model/secret.ts';
import {
  type Failure,
  type FailureKind,
  type FailureSubject,
  type Granted,
  newFailure,
  type Outcome,
} from '../../src/model/token_request_outcome.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { createTokenCache } from '../../src/tokens/access_token_cache.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { createCorrelatedFailureGuard } from '../../src/tokens/apply_correlation_verdicts.ts';
import { createCooldowns } from '../../src/tokens/connection_cooldowns.ts';
import { createConnectionSnapshots } from '../../src/tokens/connection_snapshot_cache.ts';
import { createCorrelatedFailureDetector } from '../../src/tokens/correlated_failure_detector.ts';
import { createForcedExchanges } from '../../src/tokens/forced_exchange_rate_limit.ts';
import { createAlerts } from '../../src/tokens/operator_token_alerts.ts';
import { createRefresh } from '../../src/tokens/refresh_access_token.ts';
import type { RefreshRequest } from '../../src/tokens/refresh_request.ts';
import type { TokenParts } from '../../src/tokens/token_dependencies.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { createCountingMetrics, createManualTimers, newApp, newConnection, newTenant } from './token_test_data.ts';
import { createStoppedClock } from './token_world.ts';

const START = 400 * DAY;

export type ScriptedWorld = Awaited<ReturnType<typeof openScriptedWorld>>;

/** One database for all tests of a process, because its migrations take longer than a test. Each test has its own tenant. */
const database = openTestStores({ clock: { now: () => START } });

/** A new tenant in the real stores on `:memory:`, and an Entra that answers as the test says: no test waits for a socket. */
export async function openScriptedWorld() {
  const clock = createStoppedClock(START);
  const stores = await database;
  const tenant = { ...newTenant(START), tenantId: `acme-${randomUUID()}` };
  const app = newApp(tenant, START);
  await stores.tenants.register({ tenant, app, credential: undefined });
  const entra = createScriptedEntra(() => clock.now());
  const timers = createManualTimers();
  const contained = createContainedSet();
  const tenantName = `tenants/${tenant.tenantId}`;

  /** What the modules of `tokens/` share. */
  function openParts(changes: Partial<TokenParts> = {}) {
    const metrics = createCountingMetrics();
    const parts = {
      stores,
      authorizationServer: entra,
      contained,
      snapshots: createConnectionSnapshots({ stores, limit: 100 }),
      cache: createTokenCache(100, clock),
      clock,
      timers,
      random: () => 0.5,
      replica: 'replica',
      metrics,
      alerts: createAlerts({ metrics, log: silentLog }),
      ...changes,
    };
    return { ...parts, counted: metrics.counts };
  }

  function openRefresh(changes: Partial<TokenParts> = {}) {
    const parts = openParts(changes);
    const failureDetector = createCorrelatedFailureDetector();
    const refreshParts = {
      ...parts,
      failureDetector,
      failureGuard: createCorrelatedFailureGuard(parts, failureDetector),
      cooldowns: createCooldowns(clock, failureDetector),
      forcedExchanges: createForcedExchanges(clock),
    };
    const refresh = createRefresh(refreshParts);
    /** By default, a stored token of Graph suffices. */
    async function refreshOf(connectionId: string, request: Partial<RefreshRequest> = {}): Promise<ServedToken> {
      const snapshot = await parts.snapshots.get(tenant.tenantId, connectionId);
      const usual = { resource: GRAPH, priority: 'FOREGROUND', accepts: () => true, expiresAfter: 0 } as const;
      return refresh({ snapshot, ...usual, ...request });
    }
    return { ...refreshParts, refreshOf };
  }

  async function find(uid: string): Promise<Connection> {
    const connection = await stores.connections.findByUid(uid);
    if (connection === undefined) throw new Error('no such connection');
    return connection;
  }

  return {
    clock,
    stores,
    tenant,
    app,
    entra,
    timers,
    contained,
    openParts,
    openRefresh,
    nameOf: (connectionId: string) => `${tenantName}/connections/${connectionId}`,
    contain: (subject = tenantName) =>
      contained.addLocal({ subject, reason: '', caller: 'admin', createTime: clock.now() }),
    connect: (connectionId: string, changes: Partial<Connection> = {}) =>
      stores.connections.replaceGrant(
        undefined,
        { ...newConnection(tenant, app, connectionId, START), ...changes },
        new Secret(`first of ${connectionId}`),
      ),
    find,
    /** As another process does it: a refresh in progress is fenced, and nothing is announced. */
    async replaceGrant({ uid }: Connection, changes: Partial<Connection> = {}): Promise<void> {
      const before = await find(uid);
      await stores.connections.replaceGrant(before, { ...before, ...changes }, new Secret('new grant'));
    },
  };
}

type Answer = (asked: RefreshTokenRequest) => Outcome | Promise<Outcome>;

/** Gives the queued answers, then tokens that are valid for an hour. */
function createScriptedEntra(now: () => number) {
  const admissions: AdmissionRequest[] = [];
  const exchanges: RefreshTokenRequest[] = [];
  const answers: Answer[] = [];
  const entra = {
    admissions,
    exchanges,
    answers,
    /** The next answers. */
    refuse: (...failures: readonly Failure[]) => void answers.push(...failures.map((failure) => () => failure)),
    /** Slots in use. */
    inUse: 0,
    /** Runs while an exchange waits for its slot. */
    whileWaiting: async (): Promise<void> => {},
    async admit(request: AdmissionRequest): Promise<Admission> {
      admissions.push(request);
      await entra.whileWaiting();
      entra.inUse++;
      return {
        async redeemRefreshToken(asked) {
          exchanges.push(asked);
          const answer = answers.shift();
          return answer === undefined ? grant(asked, now(), exchanges.length) : answer(asked);
        },
        redeemCode: () => Promise.reject(new Error('no code is redeemed here')),
        acquireForApp: ({ resource }) => Promise.resolve(grant({ resource, scopes: [] }, now(), 0)),
        release: () => void entra.inUse--,
      };
    },
  };
  return entra;
}

/** A token of the requested scopes. */
export function grant(
  { resource, scopes }: Pick<RefreshTokenRequest, 'resource' | 'scopes'>,
  now: number,
  number = 1,
): Granted {
  const accessToken = {
    token: new Secret(`access ${number}`),
    resource,
    permissions: scopes.map((scope) => scope.slice(resource.length + 1)),
    expireTime: now + HOUR,
    refreshTime: now + 50 * MINUTE,
    correlationId: `answer ${number}`,
  };
  return { kind: 'granted', accessToken, refreshToken: new Secret(`refresh ${number}`), account: undefined };
}

/** As Entra's own: it has a code. */
export function refusal(kind: FailureKind, subject: FailureSubject, reason: Reason): Failure {
  return newFailure(kind, subject, reason, { entraError: `code of ${kind}`, correlationId: 'refusal' });
}
