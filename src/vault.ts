import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { openAuditLog } from './audit/open_audit_log.ts';
import { isLoopbackAddress } from './config/address.ts';
import type { Config } from './config/config.ts';
import { callbackUri } from './connect/connect_parts.ts';
import { createAuthorizations } from './connect/create_authorizations.ts';
import { createImports } from './connect/import.ts';
import { createAuthorizationServer } from './entra/entra_server.ts';
import { createChanges } from './model/changes.ts';
import { type Clock, HOUR, systemClock } from './model/clock.ts';
import { type Reason, VaultError } from './model/errors.ts';
import { newUid } from './model/ids.ts';
import { createApps } from './registry/apps.ts';
import { createConnections } from './registry/connections.ts';
import { createCredentials } from './registry/credentials.ts';
import { createTenants } from './registry/tenants.ts';
import { createAccessLog } from './rpc/access_log.ts';
import { createKeyAuthenticator, createLoopbackAuthenticator } from './rpc/authenticate.ts';
import { readCallersFile } from './rpc/callers_file.ts';
import { createConduct } from './rpc/conduct.ts';
import { adminServices, startGrpcServer, tokenServices } from './rpc/server.ts';
import { followClock } from './sandbox/follow_clock.ts';
import { startSandbox } from './sandbox/sandbox.ts';
import { createScopes } from './scopes/create_scopes.ts';
import { loadCatalogs } from './scopes/load_catalogs.ts';
import { openStores } from './store/open_stores.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createPinoLog } from './telemetry/pino_log.ts';
import { createReadiness } from './telemetry/readiness.ts';
import { type AccessTokensParts, createAccessTokens } from './tokens/access_tokens.ts';
import { startOpsServer } from './web/ops_server.ts';
import { startWebServer } from './web/web_server.ts';

export interface Vault {
  /** Where the listeners stand, with the ports that they got. */
  readonly addresses: { readonly grpc: string; readonly admin: string; readonly web: string; readonly ops: string };
  /** Of the pretend Entra that was started with it. */
  readonly sandboxUrl: string | undefined;
  /** NOT_SERVING, let load balancers notice, finish what is under way within the grace, flush, close. */
  stop(): Promise<void>;
}

/** What a test hands in. */
export type Seams = Pick<AccessTokensParts, 'crashPoints' | 'timers'>;

/** Load balancers need this long to see NOT_SERVING; on loopback there are none. */
const DRAIN = 5_000;
const GRACE = 15_000;

/** Builds each part once, in order of need; what was built is taken down again when a later part fails. */
export async function startVault(config: Config, { crashPoints, timers }: Seams = {}): Promise<Vault> {
  const teardown: (() => unknown)[] = [];
  const stopAll = async () => {
    const failures: unknown[] = [];
    for (const stop of teardown.splice(0).reverse()) {
      // One part that cannot be closed must not keep the audit log and the database open.
      try {
        await stop();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  const started = async <Part>(part: Part | Promise<Part>, stop: (part: Part) => unknown): Promise<Part> => {
    const made = await part;
    teardown.push(() => stop(made));
    return made;
  };

  try {
    const log = createPinoLog(config.logLevel);
    const metrics = createMetrics();
    const world = await started(openWorld(config), (one) => one.close());
    const { clock } = world;

    const { databaseUrl, keySource } = config;
    const stores = await started(openStores({ databaseUrl, keySource, clock, meter: metrics.storage }), (one) =>
      one.close(),
    );
    metrics.observe({
      connectionsByState: () => stores.connections.countByState(),
      credentialEnds: () => stores.apps.credentialEnds(),
    });
    const audit = await started(
      openAuditLog(config.auditFile, {
        ledger: stores.audit,
        clock,
        instance: `${hostname()}-${process.pid}`,
        rotateAt: config.auditRotateBytes,
        metrics: metrics.audit,
        alert: (topic) => {
          metrics.audit.alert(topic);
          log.event('error', 'warning', { topic, message: 'see the audit log, and the runbook' });
        },
      }),
      (one) => one.close(),
    );

    const scopes = createScopes({ catalogs: await loadCatalogs(config.catalogsDir) });
    const changes = createChanges();
    const authorizationServer = await started(
      createAuthorizationServer({ ledger: stores.apps, clock, customCloud: world.cloud, metrics: metrics.entra, log }),
      (one) => one.close(),
    );
    const accessTokens = await started(
      createAccessTokens({
        stores,
        authorizationServer,
        scopes,
        changes,
        clock,
        metrics: metrics.tokens,
        log,
        crashPoints,
        timers,
      }),
      (one) => one.close(),
    );
    const parts = { stores, authorizationServer, scopes, changes, clock };
    const connectParts = { ...parts, auditLog: audit, publicUrl: config.publicUrl, metrics: metrics.connect };
    const registryParts = { ...parts, callbackUri: callbackUri(config.publicUrl), newUid };
    const authorizations = createAuthorizations(connectParts);
    const sweep = setInterval(() => stores.authorizations.sweep(clock.now()).catch(() => {}), HOUR).unref();
    teardown.push(() => clearInterval(sweep));

    const auditWritable = () => check(audit.writable, 'AUDIT_UNAVAILABLE', 'The audit log cannot be written');
    const readiness = await started(createReadiness([() => stores.check(), auditWritable]), (one) => one.close());
    const authenticator =
      config.callersFile === undefined
        ? createLoopbackAuthenticator()
        : createKeyAuthenticator(readCallersFile(config.callersFile), clock);
    const conduct = createConduct({
      authenticator,
      audit,
      clock,
      metrics: metrics.rpc,
      log: createAccessLog(log, { requests: config.logLevel === 'debug' }),
      crashPoints,
    });
    const rooms = {
      accessTokens,
      authorizations,
      imports: createImports(connectParts),
      tenants: createTenants(registryParts),
      apps: createApps(registryParts),
      credentials: createCredentials(registryParts),
      connections: createConnections(registryParts),
      scopes,
      audit,
      clock,
    };
    const border = { conduct, readiness, tls: config.tls, plaintext: config.plaintext, log };
    let serving = false;
    // First, and so closed last: who asks while the vault starts or drains is told.
    const ops = await started(
      startOpsServer({
        address: config.opsAddress,
        metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
        readiness: {
          storage: () => stores.check(),
          audit: auditWritable,
          serving: () => check(serving && readiness.ready, 'OVERLOADED', 'The vault is starting or draining'),
        },
      }),
      (one) => one.close(),
    );
    // All at once: one grace, in which none of them takes anything new.
    const listeners: { close(grace: number): Promise<void> }[] = [];
    teardown.push(() => Promise.all(listeners.map((one) => one.close(GRACE))));
    const listening = async <Listener extends { close(grace: number): Promise<void> }>(start: Promise<Listener>) => {
      const listener = await start;
      listeners.push(listener);
      return listener;
    };
    const grpc = await listening(
      startGrpcServer({ ...border, address: config.grpcAddress, services: tokenServices(rooms) }),
    );
    const admin = await listening(
      startGrpcServer({ ...border, address: config.adminAddress, services: adminServices(rooms) }),
    );
    const tls = readTls(config);
    const { webAddress, publicUrl } = config;
    const web = await listening(startWebServer({ address: webAddress, authorizations, publicUrl, tls, log }));
    serving = true;

    return {
      addresses: { grpc: grpc.address, admin: admin.address, web: web.address, ops: ops.address },
      sandboxUrl: world.sandboxUrl,
      async stop() {
        readiness.drain();
        const { grpcAddress, adminAddress, webAddress } = config;
        if (![grpcAddress, adminAddress, webAddress].every(isLoopbackAddress))
          await new Promise((resolve) => setTimeout(resolve, DRAIN));
        await stopAll();
      },
    };
  } catch (error) {
    // What went wrong first is what must be told.
    await stopAll().catch(() => {});
    throw error;
  }
}

interface World {
  readonly clock: Clock;
  readonly cloud: Config['customCloud'];
  readonly sandboxUrl: string | undefined;
  close(): unknown;
}

/** Entra and the time: the real ones, or a sandbox's, whose clock the vault then follows. */
async function openWorld(config: Config): Promise<World> {
  if (config.sandbox === 'off')
    return { clock: systemClock, cloud: config.customCloud, sandboxUrl: undefined, close() {} };
  if (config.sandbox !== 'on') {
    const { url } = config.sandbox;
    const clock = await followClock(url).catch((cause: unknown) => {
      throw new VaultError(
        'ENTRA_UNAVAILABLE',
        `No sandbox answers at ${url}; start it with \`npm run sandbox\`, or set TOKENVAULT_SANDBOX=on`,
        { cause },
      );
    });
    return { clock, cloud: { loginUrl: url }, sandboxUrl: url, close: () => clock.close() };
  }
  const data = dirname(config.databaseUrl.replace(/^sqlite:/, ''));
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const port = Number(config.sandboxAddress.slice(config.sandboxAddress.lastIndexOf(':') + 1));
  const sandbox = await startSandbox({ port, keyFile: `${data}/sandbox-key.json` });
  return {
    clock: sandbox.clock,
    cloud: { loginUrl: sandbox.url },
    sandboxUrl: sandbox.url,
    close: () => sandbox.close(),
  };
}

async function check(holds: boolean, reason: Reason, otherwise: string): Promise<void> {
  if (!holds) throw new VaultError(reason, otherwise);
}

function readTls({ tls }: Config) {
  return tls === undefined
    ? undefined
    : { cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') };
}
