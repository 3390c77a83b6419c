import { readFileSync } from 'node:fs';
import { ChannelCredentials } from '@grpc/grpc-js';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { isLoopbackAddress } from '../model/listen_address.ts';
import { type Client, type ClientOptions, createClient, RpcError } from '../rpc/client.ts';
import { messageOf } from './error_text.ts';
import { CommandError, EXIT } from './exit_codes.ts';

/** Where the vault's admin listener is, and who calls. */
export interface VaultAccess {
  /** `host:port` or `unix:/path` */
  readonly address: string;
  readonly apiKeyFile?: string | undefined;
  /** The authority of the vault's certificate. Given: TLS, on loopback too. */
  readonly caFile?: string | undefined;
  /** Something else encrypts on the way, so no TLS beyond loopback. */
  readonly plaintext?: boolean | undefined;
  /** Of a client, where the vault asks for one. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface AdminClients {
  readonly tenants: Client<typeof TenantService>;
  readonly apps: Client<typeof AppService>;
  readonly connections: Client<typeof ConnectionService>;
  close(): void;
}

/** What a report must not be written over. */
export function filesOf({ apiKeyFile, caFile, certFile, keyFile }: VaultAccess): readonly string[] {
  return [apiKeyFile, caFile, certFile, keyFile].filter((file) => file !== undefined);
}

/** A vault that restarts is found again soon, not after the two minutes that grpc-js may take. Milliseconds. */
const CHANNEL = { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2_000 };
const FIRST_ANSWER = 10_000;

/** Rejects where nothing answers: a wrong address is no restart that one waits for. */
export async function openAdminClients(access: VaultAccess): Promise<AdminClients> {
  const apiKey = access.apiKeyFile === undefined ? undefined : readApiKey(access.apiKeyFile);
  const way = wayOf(access);
  // Without the key: what answers may be no vault.
  const health = createClient(Health, access.address, way);
  try {
    await health.check({ service: '' }, { timeout: FIRST_ANSWER });
  } catch (error) {
    if (error instanceof RpcError && UNREACHED.has(error.code)) throw unreachable(access, error);
  } finally {
    health.close();
  }
  const options = { ...way, apiKey };
  const tenants = createClient(TenantService, access.address, options);
  const apps = createClient(AppService, access.address, options);
  const connections = createClient(ConnectionService, access.address, options);
  return {
    tenants,
    apps,
    connections,
    close() {
      for (const client of [tenants, apps, connections]) client.close();
    },
  };
}

const UNREACHED = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'UNKNOWN', 'INTERNAL']);

function unreachable(access: VaultAccess, error: RpcError): CommandError {
  const { address, caFile } = access;
  const tls = usesTls(access)
    ? caFile === undefined
      ? 'TLS is used beyond this machine: name a private authority with --ca-file, or say --plaintext where something else encrypts'
      : 'without TLS it wants no --ca-file'
    : 'with TLS it needs --ca-file';
  return new CommandError(
    EXIT.UNAVAILABLE,
    `No vault answers at ${address}: see that it runs, and that this is its admin listener (--address); ${tls}. (${messageOf(error)})`,
  );
}

function usesTls({ address, caFile, certFile, plaintext }: VaultAccess): boolean {
  return caFile !== undefined || certFile !== undefined || !(plaintext === true || isLoopbackAddress(address));
}

function wayOf(access: VaultAccess): ClientOptions {
  const { caFile, certFile, keyFile } = access;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new CommandError(EXIT.USAGE, '--cert-file and --key-file belong together');
  if (access.plaintext === true && usesTls(access))
    throw new CommandError(EXIT.USAGE, '--plaintext excludes --ca-file and --cert-file: they mean TLS');
  // A proxy on the way would read the key.
  if (!usesTls(access)) return { channel: { ...CHANNEL, 'grpc.enable_http_proxy': 0 } };
  const [ca, cert, key] = [caFile, certFile, keyFile].map((file) => (file === undefined ? null : read(file)));
  try {
    return { credentials: ChannelCredentials.createSsl(ca, key, cert, { rejectUnauthorized: true }), channel: CHANNEL };
  } catch {
    throw new CommandError(EXIT.DATA, 'The TLS files cannot be used: give certificates and the key in PEM');
  }
}

function readApiKey(file: string): string {
  const key = read(file).toString('utf8').trim();
  if (/^tv1_[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandError(EXIT.DATA, `${file} holds no API key: one line, tv1_…`);
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new CommandError(EXIT.NO_INPUT, `${file} cannot be read; check that it exists and who may`);
  }
}
