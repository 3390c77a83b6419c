import type { DescService } from '@bufbuild/protobuf';
import type { AuditEntry, AuditLog } from '../../src/audit/audit_log_interface.ts';
import { createTokenIssuers, type TokenIssuers } from '../../src/caller_tokens/token_issuers.ts';
import type { AccessToken } from '../../src/model/access_token.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { type KnownCallers, type KnownKey, type Role, roleRule } from '../../src/model/authenticated_caller.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { type Every, systemTimers } from '../../src/model/monotonic_timers.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { type ClientOptions, createClient } from '../../src/rpc/grpc_client.ts';
import { createAccessLog } from '../../src/rpc/pipeline/access_log.ts';
import { type CallPipelineParts, createCallPipeline } from '../../src/rpc/pipeline/call_pipeline.ts';
import {
  type CallersSource,
  createCredentialsAuthenticator,
} from '../../src/rpc/pipeline/credentials_authenticator.ts';
import { createLoopbackAuthenticator } from '../../src/rpc/pipeline/loopback_authenticator.ts';
import {
  adminServices,
  type GrpcServer,
  type ServerParts,
  type ServiceParts,
  startGrpcServer,
  tokenServices,
} from '../../src/rpc/start_grpc_server.ts';
import { createStreamsReplacement } from '../../src/rpc/transport/replace_streams_of_session.ts';
import { type Log, type LogEvents, silentLog } from '../../src/telemetry/log_events.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';

export const NOW = Date.parse('2026-05-01T12:00:00Z');
export const clock = { now: () => NOW };

export const acme: Tenant = {
  uid: 'aaaaaaaa-1111-4111-8111-111111111111',
  tenantId: 'acme',
  displayName: 'Acme',
  labels: { tier: 'gold' },
  state: 'ACTIVE',
  catalog: 'aurinko',
  allowedDirectoryIds: [],
  expiryThresholds: undefined,
  createTime: NOW - 5_000,
  updateTime: NOW,
  version: 3,
  nextCredentialExpireTime: NOW + 1_000,
};

export const mailApp: App = {
  uid: 'bbbbbbbb-1111-4111-8111-111111111111',
  tenantUid: acme.uid,
  tenantId: 'acme',
  appId: 'default',
  displayName: 'Acme Mail',
  clientId: '11111111-2222-4333-8444-555555555555',
  cloud: 'GLOBAL',
  signInAudience: 'organizations',
  homeDirectoryId: undefined,
  rotation: undefined,
  redirectUris: ['https://vault.example.com/oauth2/callback'],
  returnUrlPrefixes: [],
  catalog: undefined,
  implicitPermissions: ['openid'],
  logoHash: undefined,
  branding: undefined,
  clientCapabilities: ['CP1'],
  sharedWith: ['*', 'beta'],
  suspended: false,
  state: 'MISCONFIGURED',
  stateReason: {
    reason: 'APP_MISCONFIGURED',
    entraError: 'unauthorized_client/AADSTS700016',
    correlationId: undefined,
    time: NOW,
  },
  failingDirectories: [],
  createTime: NOW,
  updateTime: NOW,
  version: 1,
};

export const ada: Connection = {
  uid: 'cccccccc-1111-4111-8111-111111111111',
  tenantUid: acme.uid,
  tenantId: 'acme',
  connectionId: 'ada',
  appUid: mailApp.uid,
  appTenantId: 'acme',
  appId: 'default',
  externalId: 'u-1',
  labels: {},
  account: {
    directoryId: 'd-1',
    objectId: 'o-1',
    username: 'ada@example.com',
    displayName: undefined,
    email: 'ada@mail.example',
  },
  productScopes: ['Mail.ReadOnly'],
  granted: { 'https://graph.microsoft.com': ['User.Read', 'Mail.Read'] },
  resourceIssues: {},
  grantState: 'ACTIVE',
  stateReason: undefined,
  suspendTime: undefined,
  verifyTime: NOW,
  lastRefreshTime: NOW,
  firstSuspectTime: undefined,
  heldUntil: undefined,
  keepAliveTime: undefined,
  createTime: NOW,
  updateTime: NOW,
  version: 1,
};

export function freshToken(text = 'eyJ.token', source: ServedToken['source'] = 'CACHE'): ServedToken {
  const accessToken: AccessToken = {
    token: new Secret(text),
    resource: 'https://graph.microsoft.com',
    permissions: ['Mail.Read', 'User.Read'],
    expireTime: NOW + 3_600_000,
    refreshTime: NOW + 3_000_000,
    correlationId: 'c-1',
  };
  const subject = { directoryId: 'directory-1', userId: 'user-1' };
  return { accessToken, source, connectionUid: ada.uid, subject };
}

/** Fakes of the folders below: each method that a test does not define fails. */
export function standIn<Face extends object>(methods: Partial<Face>): Face {
  return new Proxy(methods, {
    get(target, name) {
      return (
        Reflect.get(target, name) ??
        (() => {
          throw new Error(`no stand-in for ${String(name)}`);
        })
      );
    },
  }) as Face;
}

export interface StandIns {
  tenants?: Partial<ServiceParts['tenants']>;
  apps?: Partial<ServiceParts['apps']>;
  credentials?: Partial<ServiceParts['credentials']>;
  rotations?: Partial<ServiceParts['rotations']>;
  connections?: Partial<ServiceParts['connections']>;
  authorizations?: Partial<ServiceParts['authorizations']>;
  adminConsents?: Partial<ServiceParts['adminConsents']>;
  imports?: Partial<ServiceParts['imports']>;
  accessTokens?: Partial<ServiceParts['accessTokens']>;
  expiry?: Partial<ServiceParts['expiry']>;
  status?: Partial<ServiceParts['status']>;
  keyOperations?: Partial<ServiceParts['keyOperations']>;
  usage?: Partial<ServiceParts['usage']>;
  usageNotes?: ServiceParts['usageNotes'];
  containmentOperations?: Partial<ServiceParts['containmentOperations']>;
  scopes?: Partial<ServiceParts['scopes']>;
}

const NEVER_USED: ServiceParts['usage'] = {
  ofConnection: async () => ({ lastServedTime: undefined, callers: [] }),
  lastServedTimes: async () => new Map(),
  ofCallers: async () => new Map(),
};

export interface FakeAudit extends AuditLog {
  readonly entries: AuditEntry[];
  writable: boolean;
}

export function fakeAudit(): FakeAudit {
  const audit: FakeAudit = {
    entries: [],
    writable: true,
    append(entry, done) {
      if (!audit.writable) return done(new VaultError('AUDIT_UNAVAILABLE', 'The audit log cannot be written'));
      audit.entries.push({ ...entry });
      done();
    },
    fingerprint: (token) => `fp-${token.reveal().length}`,
    close: async () => {},
  };
  return audit;
}

export interface LoggedEvent {
  readonly name: keyof LogEvents;
  readonly fields: Record<string, unknown>;
}

export function recordingLog(): Log & { readonly events: LoggedEvent[] } {
  const events: LoggedEvent[] = [];
  return {
    events,
    event(_level, name, fields) {
      events.push({ name, fields });
    },
  };
}

export function caller(id: string, role: Role, ...tenants: string[]): { key: string; known: KnownKey } {
  const { key, sha256 } = newApiKey(id);
  const rules = [roleRule(`${id}-rule`, role, tenants)];
  const expireTime = Date.parse('2100-01-01T00:00:00Z');
  return { key, known: { sha256, caller: { id, kind: 'api_key', credentialId: 'k1', expireTime, rules } } };
}

/** Callers that a test replaces. */
export function replaceableCallers(...keys: readonly KnownKey[]) {
  const listeners = new Set<() => void>();
  let current: KnownCallers = { keys, certificates: [], tokens: [], issuers: [], sha256: '' };
  return {
    get current() {
      return current;
    },
    listen(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace(...next: readonly KnownKey[]) {
      current = { ...current, keys: next };
      for (const listener of listeners) listener();
    },
  };
}

export function fixedCallers(keys: readonly KnownKey[]): CallersSource {
  return { current: { keys, certificates: [], tokens: [], issuers: [], sha256: '' }, listen: () => () => {} };
}

/** Token issuers whose keys are read by timers of the system. */
export function openIssuers(clock: Clock, log: Log = silentLog): TokenIssuers {
  return createTokenIssuers({ proxy: undefined, clock, every: systemTimers.every, log });
}

/** A readiness that a test changes; `listeners` are the open health watches. */
export function switchable() {
  const listeners = new Set<(ready: boolean) => void>();
  const readiness = {
    ready: true,
    listen(listener: (ready: boolean) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    readiness,
    listeners,
    become(ready: boolean) {
      readiness.ready = ready;
      for (const listener of listeners) listener(ready);
    },
  };
}

export interface StageOptions extends StandIns {
  readonly keys?: readonly KnownKey[];
  /** Of tokens of `callers`. */
  readonly issuers?: TokenIssuers;
  /** In place of `keys`. */
  readonly callers?: CallersSource;
  readonly limits?: CallPipelineParts['limits'];
  readonly contained?: CallPipelineParts['contained'];
  readonly server?: Partial<ServerParts>;
  readonly readiness?: ServerParts['readiness'];
  readonly now?: () => number;
  readonly every?: Every;
  readonly tenantLabels?: NonNullable<CallPipelineParts['tenantLabels']>;
  readonly listener?: 'token' | 'admin';
}

export interface Stage {
  readonly address: string;
  readonly audit: FakeAudit;
  readonly log: ReturnType<typeof recordingLog>;
  readonly server: GrpcServer;
  client<Service extends DescService>(
    service: Service,
    options?: ClientOptions,
  ): ReturnType<typeof createClient<Service>>;
  close(): Promise<void>;
}

/** CI runs the tests of gRPC with both. */
const NATIVE_STREAMS = process.env['TOKENVAULT_HTTP2_STREAMS'] === 'native';

/** A real server on a free port over stand-ins. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const audit = fakeAudit();
  const log = recordingLog();
  const now = options.now ?? clock.now;
  const callers = options.callers ?? (options.keys && fixedCallers(options.keys));
  const issuers = options.issuers ?? openIssuers({ now }, log);
  const authenticator =
    callers === undefined
      ? createLoopbackAuthenticator()
      : createCredentialsAuthenticator(callers, issuers, options.server?.clientTrust, { now });
  const parts: ServiceParts = {
    tenants: standIn(options.tenants ?? {}),
    apps: standIn(options.apps ?? {}),
    credentials: standIn(options.credentials ?? {}),
    mailboxAccess: standIn({}),
    rotations: standIn(options.rotations ?? {}),
    connections: standIn(options.connections ?? {}),
    authorizations: standIn(options.authorizations ?? {}),
    adminConsents: standIn(options.adminConsents ?? {}),
    imports: standIn(options.imports ?? {}),
    accessTokens: standIn(options.accessTokens ?? {}),
    expiry: standIn(options.expiry ?? {}),
    status: standIn(options.status ?? {}),
    keyOperations: standIn(options.keyOperations ?? {}),
    usage: standIn({ ...NEVER_USED, ...options.usage }),
    usageNotes: options.usageNotes ?? { served() {} },
    containmentOperations: standIn(options.containmentOperations ?? {}),
    scopes: standIn(options.scopes ?? {}),
    audit,
    authenticator,
    ...(options.tenantLabels && { tenantLabels: options.tenantLabels }),
    clock: { now },
  };
  const pipeline = createCallPipeline({
    authenticator,
    audit,
    clock: { now },
    log: createAccessLog(log, { requests: true, sampleOf: 1 }),
    limits: options.limits,
    every: options.every,
    ...(options.tenantLabels && { tenantLabels: options.tenantLabels }),
    contained: options.contained,
  });
  const server = await startGrpcServer({
    address: '127.0.0.1:0',
    services: options.listener === 'token' ? tokenServices(parts) : adminServices(parts),
    pipeline,
    authenticator,
    unauthenticated: { connections: 256, connectionsPerAddress: 32 },
    readiness: options.readiness ?? { ready: true, listen: () => () => {} },
    tls: undefined,
    plaintext: 'loopback',
    replaceStreams: NATIVE_STREAMS ? undefined : createStreamsReplacement({ log }),
    log,
    ...options.server,
  });
  const clients: { close(): void }[] = [];
  return {
    address: server.address,
    audit,
    log,
    server,
    client(service, clientOptions) {
      const client = createClient(service, server.address, clientOptions);
      clients.push(client as { close(): void });
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      issuers.close();
      await server.close();
    },
  };
}
