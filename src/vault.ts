import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { openAuditFile, openAuditStream } from './audit/audit_file.ts';
import type { AuditLog } from './audit/audit_log.ts';
import { createChainedAuditLog } from './audit/chained_audit_log.ts';
import { type Config, isLoopbackAddress } from './config.ts';
import { callbackUri } from './connect/connect_parts.ts';
import { createAuthorizations } from './connect/create_authorizations.ts';
import { createImports } from './connect/import.ts';
import { createAuthorizationServer } from './entra/entra_server.ts';
import { createKekFile } from './keyring/file_key_source.ts';
import type { Keks } from './keyring/key_source.ts';
import { createKeySource, parseKeySource } from './keyring/parse_key_source.ts';
import { createChanges } from './model/changes.ts';
import { type Clock, HOUR, systemClock } from './model/clock.ts';
import { VaultError } from './model/errors.ts';
import { newUid } from './model/ids.ts';
import { createApps } from './registry/apps.ts';
import { createConnections } from './registry/connections.ts';
import { createCredentials } from './registry/credentials.ts';
import { createTenants } from './registry/tenants.ts';
import { createAccessLog } from './rpc/access_log.ts';
import { createKeyAuthenticator, createLoopbackAuthenticator } from './rpc/authenticate.ts';
import { readCallers } from './rpc/callers_file.ts';
import { createConduct } from './rpc/conduct.ts';
import { adminServices, startGrpcServer, tokenServices } from './rpc/server.ts';
import { followClock } from './sandbox/follow_clock.ts';
import { startSandbox } from './sandbox/sandbox.ts';
import { createScopes } from './scopes/create_scopes.ts';
import { loadCatalogs } from './scopes/load_catalogs.ts';
import { createStores } from './store/create_stores.ts';
import type { Database } from './store/database.ts';
import { openDatabase } from './store/open_database.ts';
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
    for (const stop of teardown.splice(0).reverse()) await stop();
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

    const { database, keks } = await openData(config, metrics.storage);
    const stores = await started(createStores({ database, keks, clock, meter: metrics.storage }), (one) => one.close());
    metrics.observe({
      connectionsByState: () => stores.connections.countByState(),
      credentialEnds: () => stores.apps.credentialEnds(),
    });
    const audit = await started(openAudit(config, stores.audit, clock, metrics.audit), (one) => one.close());

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

    const readiness = await started(createReadiness([() => stores.check(), async () => auditable(audit)]), (one) =>
      one.close(),
    );
    const authenticator =
      config.callersFile === undefined
        ? createLoopbackAuthenticator()
        : createKeyAuthenticator(readCallers(readFileSync(config.callersFile, 'utf8'), config.callersFile), clock);
    const conduct = createConduct({
      authenticator,
      audit,
      clock,
      metrics: metrics.rpc,
      log: createAccessLog(log),
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
    const grpc = await started(
      startGrpcServer({ ...border, address: config.grpcAddress, services: tokenServices(rooms) }),
      (one) => one.close(GRACE),
    );
    const admin = await started(
      startGrpcServer({ ...border, address: config.adminAddress, services: adminServices(rooms) }),
      (one) => one.close(GRACE),
    );
    const web = await started(
      startWebServer({
        address: config.webAddress,
        authorizations,
        publicUrl: config.publicUrl,
        tls: readTls(config),
        log,
      }),
      (one) => one.close(GRACE),
    );
    const ops = await started(
      startOpsServer({
        address: config.opsAddress,
        metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
        readiness: {
          storage: () => stores.check(),
          audit: () => auditable(audit),
          serving: () => serving(readiness),
        },
      }),
      (one) => one.close(),
    );

    return {
      addresses: { grpc: grpc.address, admin: admin.address, web: web.address, ops: ops.address },
      sandboxUrl: world.sandboxUrl,
      async stop() {
        readiness.drain();
        if (!isLoopbackAddress(config.grpcAddress)) await new Promise((resolve) => setTimeout(resolve, DRAIN));
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
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

/** A root key is made only beside an empty database: made beside another, it would hide that the right one is missing. */
async function openData(
  config: Config,
  meter: Parameters<typeof openDatabase>[0]['meter'],
): Promise<{ database: Database; keks: Keks }> {
  const database = await openDatabase({ url: config.databaseUrl, meter });
  try {
    const source = parseKeySource(config.keySource);
    if (source.kind === 'file' && database.isEmpty && !existsSync(source.path)) await createKekFile(source.path);
    return { database, keks: await createKeySource(config.keySource).load() };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openAudit(
  config: Config,
  ledger: Parameters<typeof createChainedAuditLog>[0]['ledger'],
  clock: Clock,
  metrics: ReturnType<typeof createMetrics>['audit'],
): Promise<AuditLog> {
  const path = config.auditFile;
  if (path !== '-') mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  return createChainedAuditLog({
    file: path === '-' ? openAuditStream(1) : openAuditFile(path),
    ledger,
    clock,
    instance: `${hostname()}-${process.pid}`,
    rotateAt: config.auditRotateBytes,
    rotatedName: (last) => `${path}.${last}`,
    metrics,
    alert: (topic) => metrics.alert(topic),
  });
}

async function auditable(audit: AuditLog): Promise<void> {
  if (!audit.writable) throw new VaultError('AUDIT_UNAVAILABLE', 'The audit log cannot be written');
}

async function serving(readiness: { readonly ready: boolean }): Promise<void> {
  if (!readiness.ready) throw new VaultError('OVERLOADED', 'The vault is draining');
}

function readTls({ tls }: Config) {
  return tls === undefined
    ? undefined
    : { cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') };
}
