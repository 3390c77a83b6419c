import type { AuditLog } from '../audit/audit_log_interface.ts';
import { openAuditLog } from '../audit/open_audit_log.ts';
import type { Config } from '../config/config_interface.ts';
import { createAdminConsents } from '../connect/admin_consent_use_cases.ts';
import { createAuthorizations } from '../connect/authorization_use_cases.ts';
import { callbackUri } from '../connect/connect_dependencies.ts';
import { createImports } from '../connect/import_connection.ts';
import { createContainmentOperations } from '../containment/containment_operations.ts';
import { createFollowedContainments } from '../containment/follow_containments.ts';
import { createSecretChangeHandler } from '../credential_lifecycle/key_vault_secret_change_handler.ts';
import type { AppRegistrations } from '../entra/app_registrations_interface.ts';
import { createExpiry } from '../expiry/expiry_and_event_queries.ts';
import { createKeyOperations } from '../key_rotation/key_operations.ts';
import { createMailboxAccess } from '../mailbox_access/check_mailbox_access.ts';
import { DAY } from '../model/clock.ts';
import { createContainedSet } from '../model/contained_set.ts';
import { VaultError } from '../model/errors.ts';
import { newUid } from '../model/id_patterns.ts';
import { isLoopbackAddress } from '../model/listen_address.ts';
import { systemTimers } from '../model/monotonic_timers.ts';
import { createChanges } from '../model/resource_change_announcements.ts';
import { createApps } from '../registry/app_operations.ts';
import { createConnections } from '../registry/connection_operations.ts';
import { createCredentials } from '../registry/credential_operations.ts';
import { followTenantLabels } from '../registry/follow_tenant_labels.ts';
import { createTenants } from '../registry/tenant_operations.ts';
import { createAccessLog } from '../rpc/pipeline/access_log.ts';
import { createCallPipeline } from '../rpc/pipeline/call_pipeline.ts';
import { adminServices, startGrpcServer, tokenServices } from '../rpc/start_grpc_server.ts';
import { createStreamsReplacement } from '../rpc/transport/replace_streams_of_session.ts';
import { createOpenWorkReader } from '../status/read_open_work.ts';
import { createStatusReader } from '../status/read_vault_status.ts';
import { openStores } from '../store/open_stores.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import { createReadiness, loggedCheck } from '../telemetry/readiness_checks.ts';
import type { TracingOptions } from '../telemetry/start_tracing.ts';
import { createPinoLog, type ProcessLog } from '../telemetry/stderr_json_log.ts';
import type { Tracing } from '../telemetry/tracing_interface.ts';
import { createMetrics } from '../telemetry/vault_metrics.ts';
import { type AccessTokensParts, createAccessTokens } from '../tokens/create_access_token_service.ts';
import { createUsageNotes } from '../usage/usage_notes.ts';
import { createUsageQueries } from '../usage/usage_queries.ts';
import { startUsageWriter } from '../usage/write_usage.ts';
import { createPageAudit } from '../web/failure_page_audit.ts';
import { startOpsServer } from '../web/probe_and_metrics_server.ts';
import { startWebServer } from '../web/web_server.ts';
import { describeThisReplica } from './describe_this_replica.ts';
import { openCloud } from './entra_or_sandbox.ts';
import { joinReplicas } from './join_replicas.ts';
import { type MicrosoftParts, openMicrosoftClients } from './microsoft_clients.ts';
import { openCallers } from './open_callers.ts';
import { openClientTrust } from './open_client_trust.ts';
import { openEventGridKeys } from './open_event_grid_keys.ts';
import { openScopes } from './open_scopes.ts';
import { openSinks } from './open_sinks.ts';
import { createSettingsFiles } from './settings_files.ts';
import { createShutdown, type Shutdown } from './shutdown.ts';
import { type BackgroundJobs, startBackgroundJobs } from './start_background_jobs.ts';

export interface Vault {
  /** Addresses of the listeners as bound. */
  readonly addresses: { readonly grpc: string; readonly admin: string; readonly web: string; readonly ops: string };
  /** URL of the sandbox, if the vault uses one. */
  readonly sandboxUrl: string | undefined;
  /** Reads all files now that it reads again while it runs, and logs the outcome. */
  readFilesAgain(): Promise<void>;
  /** Begins a new file of the audit log, and logs it. False: there is nothing to rotate. */
  rotateAuditLog(): Promise<boolean>;
  /** Reports NOT_SERVING, waits for load balancers, completes calls within the grace period, flushes and closes. */
  stop(): Promise<void>;
}

/** Replaceable parts, for tests and for the program. */
export type Seams = Pick<AccessTokensParts, 'timers'> & {
  /** Test hook: wraps what the vault writes to, so that a test can stop the process between two writes. */
  readonly decorate?: (outside: Outside) => Outside;
  /** Test hook: receives the periodic jobs so that a test can trigger them. */
  readonly onJobsStarted?:
    | ((jobs: Pick<BackgroundJobs, 'scheduler' | 'deliveries' | 'rewrapping' | 'resealing'>) => void)
    | undefined;
  readonly keyVault?: MicrosoftParts['keyVault'];
  /** The log of the process. A second log on the same descriptor would interleave its lines. Default: a new one. */
  readonly log?: ProcessLog;
  /** Of the program, which other replicas see. */
  readonly version?: string;
};

/** What the calls and the background jobs of the vault read and write outside of its memory. */
export interface Outside {
  readonly stores: Stores;
  readonly registrations: AppRegistrations;
  readonly audit: AuditLog;
}

/** Load balancers need this long to see NOT_SERVING. On loopback there are none. */
const DRAIN = 5_000;
const GRACE = 15_000;

/** A rotation takes a day and some minutes. */
const SLOW_ROTATION = 2 * DAY;

const CHANGES_MISSING = 'Changes by other replicas do not arrive, so each token request reads the database.';

function containedText(count: number): string {
  return `${count === 1 ? '1 containment is' : `${count} containments are`} in effect. List them with token-vault containment list.`;
}

/** Loaded only if it is configured. */
async function openTracing(options: TracingOptions, log: Log): Promise<Tracing> {
  const { startTracing } = await import('../telemetry/start_tracing.ts');
  return startTracing(options, log);
}

/** Opens the parts in the order of their dependencies. If one fails, the parts before it are closed. */
export async function startVault(config: Config, seams: Seams = {}): Promise<Vault> {
  const shutdown = createShutdown();
  try {
    return await build(config, seams, shutdown);
  } catch (error) {
    // Rethrow the original error; errors during cleanup are ignored.
    await shutdown.run().catch(() => {});
    throw error;
  }
}

async function build(
  config: Config,
  { decorate, timers, onJobsStarted, keyVault, log = createPinoLog(config.logLevel), version = '' }: Seams,
  shutdown: Shutdown,
): Promise<Vault> {
  const { opened } = shutdown;
  const cloud = await opened(openCloud(config));
  const { clock } = cloud;
  const metrics = createMetrics(clock);
  metrics.observeLog(log);

  const { databaseUrl, postgres, keySource, credentialsDirectory } = config;
  const tracing = config.tracing && (await opened(openTracing({ ...config.tracing, version }, log)));
  const stores = await opened(
    openStores({ databaseUrl, postgres, keySource, credentialsDirectory, clock, meter: metrics.storage, tracing }),
  );
  metrics.observe({
    connectionsByState: () => stores.connections.countByState(),
    credentialExpiries: () => stores.apps.credentialEnds(clock.now()),
    rotations: () => stores.rotations.counts(),
  });
  metrics.appProblems.observe({
    failing: stores.appProblems.failing,
    unfinishedRotations: (limit) => stores.appProblems.unfinishedRotations(clock.now() - SLOW_ROTATION, limit),
  });
  const replica = describeThisReplica({ stores, version, clock });
  const audit = await opened(
    openAuditLog(config.auditFile, {
      ledger: stores.audit,
      clock,
      instance: replica.name,
      rotateAt: config.auditRotateBytes,
      metrics: metrics.audit,
      alert: (topic) => {
        metrics.audit.alert(topic);
        log.event('error', 'audit_alert', { topic });
      },
      onStream: (stream) => log.event('info', 'audit_stream_opened', stream),
    }),
  );

  const { every, sleep } = timers ?? systemTimers;
  const settingsFiles = createSettingsFiles({ every, metrics, log, opened });
  const scopes = await openScopes(config, settingsFiles);
  const changes = createChanges();
  const contained = createContainedSet();
  const containments = createFollowedContainments({ store: stores.containments, contained, log });
  metrics.observeContainments(contained.list);
  const microsoft = await openMicrosoftClients({ config, cloud, stores, keyVault, metrics, log, opened });
  const outside: Outside = { stores, registrations: microsoft.registrations, audit };
  const parts = { ...microsoft, ...(decorate?.(outside) ?? outside), scopes, changes, contained, containments, clock };
  // Before anything is cached.
  const feed = await joinReplicas({ ...parts, config, replica, every, metrics, log, opened });
  const usageNotes = createUsageNotes({ mostConnections: config.cachedConnections });
  await opened(startUsageWriter({ store: stores.usage, notes: usageNotes, every }));
  metrics.observeUsage(usageNotes);
  const accessTokens = await opened(
    createAccessTokens({
      ...parts,
      cachedConnections: config.cachedConnections,
      feed,
      replica: replica.uid,
      metrics: metrics.tokens,
      log,
      timers,
    }),
  );
  scopes.listen(accessTokens.forgetScopes);
  const connectParts = { ...parts, auditLog: audit, publicUrl: config.publicUrl, metrics: metrics.connect, every };
  const logosUri = `${config.publicUrl.replace(/\/+$/, '')}/logos`;
  const registryParts = { ...parts, callbackUri: callbackUri(config.publicUrl), logosUri, newUid };
  const authorizations = createAuthorizations(connectParts);
  const adminConsents = createAdminConsents(connectParts);
  const { secretSource } = microsoft;
  const secretChanges = createSecretChangeHandler({ inspections: stores.inspections, secretSource });
  const { keyVaults } = config;
  const gridKeys = await openEventGridKeys(config, settingsFiles, log);
  const gridParts = { keyVaults, secretSource, secretChanges, metrics: metrics.eventGrid };
  const eventGrid = gridKeys && { ...gridParts, keys: gridKeys };

  const tenantLabels = await opened(followTenantLabels({ stores: parts.stores, changes, feed, sleep }));
  const { tls } = config;
  const clientTrust = await openClientTrust({ tls, every, metrics, log, opened });
  if (clientTrust !== undefined) settingsFiles.add('client CA files', clientTrust);
  const callerParts = { config, clientTrust, scopes, audit, clock, every, metrics, settingsFiles, log, opened };
  const callers = await openCallers(callerParts);
  const { authenticator } = callers;
  const backgroundJobs = await startBackgroundJobs({
    ...parts,
    config,
    sinks: await openSinks(config, settingsFiles, log),
    replica: replica.uid,
    apiKeys: callers.keys,
    every,
    metrics,
    log,
    opened,
  });
  onJobsStarted?.(backgroundJobs);

  const checks = {
    storage: loggedCheck(log, () => stores.check()),
    async audit() {
      if (!audit.writable) throw new VaultError('AUDIT_UNAVAILABLE', 'The audit log cannot be written.');
    },
  };
  const readiness = await opened(createReadiness(Object.values(checks)));
  metrics.observeReadiness(readiness);
  const pipeline = createCallPipeline({
    authenticator,
    contained,
    usageNotes,
    audit: parts.audit,
    clock,
    tenantLabels,
    metrics: metrics.rpc,
    log: createAccessLog(log, { requests: config.logLevel === 'debug' }),
    tracing,
  });
  let serving = false;
  const reportedChecks = {
    ...checks,
    ...(feed && { changes: () => (feed.behind ? CHANGES_MISSING : undefined) }),
    ...(settingsFiles.isFollowing && { settings_files: () => settingsFiles.fault }),
    ...(callers.isFromFile && { callers: callers.fault, token_issuers: callers.issuersFault }),
    ...(clientTrust && {
      client_cas: () => clientTrust.fault && `Earlier CAs of client certificates are in use. ${clientTrust.fault}`,
    }),
    contained: () => (contained.size === 0 ? undefined : containedText(contained.size)),
    serving() {
      if (!serving || !readiness.ready)
        throw new VaultError('OVERLOADED', 'The vault is starting or draining, or another check fails.');
    },
  };
  const status = createStatusReader({
    stores,
    replica,
    feed,
    readiness: reportedChecks,
    callersFile: callers.status,
    contained,
    clock,
  });
  const services = {
    accessTokens,
    authorizations,
    adminConsents,
    imports: createImports(connectParts),
    tenants: createTenants(registryParts),
    apps: createApps(registryParts),
    credentials: createCredentials(registryParts),
    mailboxAccess: createMailboxAccess(accessTokens, cloud.imapUrl),
    connections: createConnections(registryParts),
    expiry: createExpiry({ stores, clock, every, sinkIds: backgroundJobs.sinkIds }),
    rotations: backgroundJobs.rotations,
    keyOperations: createKeyOperations({ ...parts, ...backgroundJobs, replica, log }),
    status,
    usageNotes,
    usage: createUsageQueries({ usage: stores.usage, clock }),
    containmentOperations: createContainmentOperations({ ...parts, replica, timers: timers ?? systemTimers, log }),
    scopes,
    audit,
    authenticator,
    tenantLabels,
    clock,
  };
  const { publicUrl, plaintext, unauthenticated } = config;
  const onLimit = metrics.rpc.limited;
  const listenerParts = {
    pipeline,
    authenticator,
    clientTrust,
    readiness,
    tls,
    plaintext,
    unauthenticated,
    onLimit,
    replaceStreams: config.http2Streams === 'native' ? undefined : createStreamsReplacement({ log }),
    log,
  };
  // Opened first and closed last, so that probes get a response while the vault starts and drains.
  const ops = await opened(
    startOpsServer({
      address: config.opsAddress,
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
      readiness: reportedChecks,
      statusPage: { status, readOpenWork: createOpenWorkReader({ stores, sinkIds: backgroundJobs.sinkIds }), clock },
    }),
  );
  // All close at once, within one grace period.
  const servers: { close(grace: number): Promise<void> }[] = [];
  await opened({ close: () => Promise.all(servers.map((server) => server.close(GRACE))) });
  const { grpcAddress, adminAddress, webAddress } = config;
  const grpc = await startGrpcServer({ ...listenerParts, address: grpcAddress, services: tokenServices(services) });
  servers.push(grpc);
  const admin = await startGrpcServer({ ...listenerParts, address: adminAddress, services: adminServices(services) });
  servers.push(admin);
  const pageAudit = createPageAudit({ auditLog: audit, clock });
  const pages = { authorizations, adminConsents, logos: stores.apps, eventGrid };
  const web = await startWebServer({ ...pages, address: webAddress, publicUrl, tls, log, audit: pageAudit });
  servers.push(web);
  for (const { tlsReload } of [grpc, admin, web])
    if (tlsReload !== undefined) settingsFiles.add('TLS files', tlsReload);
  serving = true;

  return {
    addresses: { grpc: grpc.address, admin: admin.address, web: web.address, ops: ops.address },
    sandboxUrl: cloud.sandboxUrl,
    readFilesAgain: settingsFiles.readAgain,
    async rotateAuditLog() {
      const rotation = await audit.rotate();
      if (rotation.kind === 'rotated') log.event('info', 'audit_file_rotated', { after: rotation.after });
      return rotation.kind !== 'nothing';
    },
    async stop() {
      readiness.drain();
      if (![grpcAddress, adminAddress, webAddress].every(isLoopbackAddress))
        await new Promise((resolve) => setTimeout(resolve, DRAIN));
      await shutdown.run();
    },
  };
}
