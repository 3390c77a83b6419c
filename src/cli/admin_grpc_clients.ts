import { readFileSync } from 'node:fs';
import { ChannelCredentials } from '@grpc/grpc-js';
import type { CliSettings } from '../config/cli_settings.ts';
import { readCliSettings } from '../config/read_config_from_environment.ts';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { AccessService } from '../gen/tokenvault/v1/access_service_pb.ts';
import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { ContainmentService } from '../gen/tokenvault/v1/containment_service_pb.ts';
import { EventService } from '../gen/tokenvault/v1/event_service_pb.ts';
import { KeyService } from '../gen/tokenvault/v1/key_service_pb.ts';
import { StatusService } from '../gen/tokenvault/v1/status_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { isLoopbackAddress } from '../model/listen_address.ts';
import { type Client, type ClientOptions, createClient, RpcError } from '../rpc/grpc_client.ts';
import { messageOf } from './error_text.ts';
import { CommandError, EXIT } from './exit_codes.ts';

/** Options of a command, which override the settings. An empty one means none, whatever the settings say. */
export type VaultAccess = CliSettings;

type FullAccess = CliSettings & { readonly address: string };

const ADDRESS = '127.0.0.1:50052';

export interface AdminClients {
  readonly tenants: Client<typeof TenantService>;
  readonly apps: Client<typeof AppService>;
  readonly connections: Client<typeof ConnectionService>;
  readonly status: Client<typeof StatusService>;
  readonly keys: Client<typeof KeyService>;
  readonly containments: Client<typeof ContainmentService>;
  readonly events: Client<typeof EventService>;
  readonly access: Client<typeof AccessService>;
  close(): void;
}

/** Files that a report must not overwrite. */
export function filesOf(options: VaultAccess): readonly string[] {
  const { apiKeyFile, caFile, certFile, keyFile } = withSettings(options);
  return [apiKeyFile, caFile, certFile, keyFile].filter((file) => file !== undefined);
}

/** Milliseconds. Reconnects soon after a restart of the vault; grpc-js would wait up to two minutes. */
const CHANNEL = { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2_000 };
const FIRST_ANSWER = 10_000;

/** Rejects if no vault answers, because the address may be wrong. */
export async function openAdminClients(options: VaultAccess): Promise<AdminClients> {
  const access = withSettings(options);
  const apiKey = access.apiKeyFile === undefined ? undefined : readApiKey(access.apiKeyFile);
  const channel = channelOptions(access);
  // Without the key: the server may not be a vault.
  const health = createClient(Health, access.address, channel);
  try {
    await health.check({ service: '' }, { timeout: FIRST_ANSWER });
  } catch (error) {
    if (error instanceof RpcError && UNREACHABLE_CODES.has(error.code)) throw unreachable(access, error);
  } finally {
    health.close();
  }
  const authenticated = { ...channel, apiKey };
  const tenants = createClient(TenantService, access.address, authenticated);
  const apps = createClient(AppService, access.address, authenticated);
  const connections = createClient(ConnectionService, access.address, authenticated);
  const status = createClient(StatusService, access.address, authenticated);
  const keys = createClient(KeyService, access.address, authenticated);
  const callers = createClient(AccessService, access.address, authenticated);
  const containments = createClient(ContainmentService, access.address, authenticated);
  const events = createClient(EventService, access.address, authenticated);
  return {
    tenants,
    apps,
    connections,
    status,
    keys,
    containments,
    events,
    access: callers,
    close() {
      for (const client of [tenants, apps, connections, status, keys, containments, events, callers]) client.close();
    },
  };
}

const UNREACHABLE_CODES = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'UNKNOWN', 'INTERNAL']);

function withSettings(options: VaultAccess): FullAccess {
  const settings = readCliSettings();
  const text = (name: Exclude<keyof CliSettings, 'plaintext'>) => (options[name] ?? settings[name]) || undefined;
  return {
    address: text('address') ?? ADDRESS,
    apiKeyFile: text('apiKeyFile'),
    caFile: text('caFile'),
    plaintext: options.plaintext ?? settings.plaintext,
    certFile: text('certFile'),
    keyFile: text('keyFile'),
  };
}

function unreachable(access: FullAccess, error: RpcError): CommandError {
  const message = messageOf(error);
  const isPlaintext = WITHOUT_TLS.test(message);
  const cause = isPlaintext ? 'the server answers without TLS' : message;
  const check = isPlaintext
    ? ''
    : OTHER_CERTIFICATE.test(message)
      ? 'The certificate must have this name, and a CA that --ca-file has. '
      : 'Check that it runs, and that --address is its admin listener. ';
  return new CommandError(
    EXIT.UNAVAILABLE,
    `No vault answers at ${access.address} (${cause}). ${check}${tlsHint(access, isPlaintext)}.`,
  );
}

/** OpenSSL's words for an answer that is not TLS. */
const WITHOUT_TLS = /wrong version number|packet length too long/;
const OTHER_CERTIFICATE = /certificate|altnames/i;

function tlsHint(access: FullAccess, isPlaintext: boolean): string {
  if (!usesTls(access)) return 'If it serves with TLS, add --ca-file';
  if (access.caFile === undefined)
    return 'With TLS, give a private CA with --ca-file; or add --plaintext if another layer encrypts';
  return isPlaintext ? "Give --ca-file '' to connect without TLS" : "If it serves without TLS, give --ca-file ''";
}

function usesTls({ address, caFile, certFile, plaintext }: FullAccess): boolean {
  return caFile !== undefined || certFile !== undefined || !(plaintext === true || isLoopbackAddress(address));
}

function channelOptions(access: FullAccess): ClientOptions {
  const { caFile, certFile, keyFile } = access;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new CommandError(EXIT.USAGE, '--cert-file and --key-file need each other. Give both.');
  if (access.plaintext === true && usesTls(access))
    throw new CommandError(
      EXIT.USAGE,
      '--plaintext excludes --ca-file and --cert-file, which enable TLS. Remove one of them.',
    );
  // A proxy could read the API key.
  if (!usesTls(access)) return { channel: { ...CHANNEL, 'grpc.enable_http_proxy': 0 } };
  // grpc-js names the host as TLS server name, also an IP address, and Node warns of it at each start.
  process.noDeprecation = true;
  const [ca, cert, key] = [caFile, certFile, keyFile].map((file) => (file === undefined ? null : read(file)));
  try {
    return { credentials: ChannelCredentials.createSsl(ca, key, cert, { rejectUnauthorized: true }), channel: CHANNEL };
  } catch {
    throw new CommandError(EXIT.DATA, 'The TLS files are invalid. Give certificates and the key in PEM.');
  }
}

function readApiKey(file: string): string {
  const key = read(file).toString('utf8').trim();
  if (/^(tv1_[\x21-\x7e]+|[\w-]+\.[\w-]+\.[\w-]+)$/.test(key)) return key;
  throw new CommandError(EXIT.DATA, `${file} holds no API key and no token. Write one line into it, tv1_…`);
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new CommandError(EXIT.NO_INPUT, `${file} cannot be read. Check that it exists and its permissions.`);
  }
}
