import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { ContainmentService } from '../../src/gen/tokenvault/v1/containment_service_pb.ts';
import { EventService } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { KeyService } from '../../src/gen/tokenvault/v1/key_service_pb.ts';
import { ScopeService } from '../../src/gen/tokenvault/v1/scope_service_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { type ClientOptions, createClient } from '../../src/rpc/grpc_client.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type SandboxOptions, startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { RequestRecord } from '../../src/sandbox/state/request_log.ts';
import type { Seams } from '../../src/startup/start_vault.ts';
import { advanceClock } from './advance_clock.ts';
import { type Browser, createBrowser } from './browser.ts';
import { freePorts } from './free_ports.ts';
import { type ScenarioVault, startScenarioVault } from './start_scenario_vault.ts';

export type Clients = ReturnType<typeof createClients>;

/** A vault with real ports and a SQLite file, and a fake Entra whose clock it follows. */
export interface Scenario extends Clients {
  readonly sandbox: Sandbox;
  readonly vault: ScenarioVault;
  readonly folder: string;
  readonly publicUrl: string;
  /** The vault's own redirect URI. */
  readonly callbackUri: string;
  readonly browser: Browser;
  /** Settles once the vault knows the new time. */
  later(milliseconds: number): Promise<void>;
  /** What Entra's token endpoint was asked with the client id, oldest first. */
  asked(clientId: string, grant?: string): readonly RequestRecord[];
  /** Status of the sandbox's Graph or of its IMAP check, for a token. */
  use(path: string, accessToken: string): Promise<number>;
  /** More clients of the same vault; close them yourself. */
  clients(options: ClientOptions): Clients;
  /** The same folder and ports, a new process of the vault; clients reconnect. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface ScenarioOptions {
  /** Beside the addresses, the sandbox and the database; names without `TOKENVAULT_`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Prepares files in the folder before the vault starts. */
  readonly prepare?: (folder: string) => void;
  readonly seams?: Seams;
  readonly sandbox?: SandboxOptions;
}

export async function startScenario(options: ScenarioOptions = {}): Promise<Scenario> {
  const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
  options.prepare?.(folder);
  const sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false, ...options.sandbox });
  const [grpc, admin, web, ops] = await freePorts(4);
  const publicUrl = `http://127.0.0.1:${web}`;
  const environment = {
    GRPC_ADDRESS: `127.0.0.1:${grpc}`,
    ADMIN_ADDRESS: `127.0.0.1:${admin}`,
    WEB_ADDRESS: `127.0.0.1:${web}`,
    OPS_ADDRESS: `127.0.0.1:${ops}`,
    PUBLIC_URL: publicUrl,
    DATABASE_URL: `sqlite:${join(folder, 'vault.db')}`,
    KEY_SOURCE: `file:${join(folder, 'kek')}`,
    AUDIT_FILE: join(folder, 'audit.jsonl'),
    FEDERATED_FILES: join(folder, 'federated', '{tenant}'),
    SANDBOX: sandbox.url,
    LOG_LEVEL: 'error',
    ...options.environment,
  };
  const start = () => startScenarioVault({ folder, environment, seams: options.seams });
  let vault = await start();
  const clients = (with_: ClientOptions) => createClients(vault.addresses, with_);
  const own = clients({});

  return {
    ...own,
    sandbox,
    get vault() {
      return vault;
    },
    folder,
    publicUrl,
    callbackUri: `${publicUrl}/oauth2/callback`,
    browser: createBrowser({ publicUrl, sandboxUrl: sandbox.url }),
    later: (milliseconds) => advanceClock(sandbox, milliseconds),
    asked: (clientId, grant = 'refresh_token') =>
      sandbox.requests().filter((one) => one.endpoint === 'token' && one.clientId === clientId && one.grant === grant),
    async use(path, accessToken) {
      const response = await fetch(`${sandbox.url}${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
      await response.body?.cancel();
      return response.status;
    },
    clients,
    async restart() {
      await vault.stop();
      vault = await start();
    },
    async close() {
      own.close();
      await vault.stop();
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The token listener where it will do, as a product would; the admin listener for the operator's services. */
export function createClients(addresses: { readonly grpc: string; readonly admin: string }, options: ClientOptions) {
  const tenants = createClient(TenantService, addresses.admin, options);
  const apps = createClient(AppService, addresses.admin, options);
  const connections = createClient(ConnectionService, addresses.grpc, options);
  const tokens = createClient(TokenService, addresses.grpc, options);
  const scopes = createClient(ScopeService, addresses.grpc, options);
  const events = createClient(EventService, addresses.admin, options);
  const keys = createClient(KeyService, addresses.admin, options);
  const containments = createClient(ContainmentService, addresses.admin, options);
  return {
    tenants,
    apps,
    connections,
    tokens,
    scopes,
    events,
    keys,
    containments,
    close() {
      for (const client of [tenants, apps, connections, tokens, scopes, events, keys, containments]) client.close();
    },
  };
}

/** `OK`, or why the call failed. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  const error = await failureOf(call);
  return error === undefined ? 'OK' : error.reason;
}

/** Undefined: it went well. */
export async function failureOf(call: Promise<unknown>): Promise<RpcError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
}
