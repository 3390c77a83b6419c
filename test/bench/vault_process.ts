import { create, toBinary } from '@bufbuild/protobuf';
import { GetAccessTokenRequestSchema, TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { grpcFrame, methodPath } from './grpc_frame.ts';
import type { ClientTls, Target } from './load.ts';
import { freePort, type ServerOptions, type ServerProcess, startProcess } from './processes.ts';
import { createUnaryClient, type UnaryClient } from './unary.ts';
import type { VaultFolder } from './vault_folder.ts';

/** The real program as in production, with authentication, authorization, metrics and the audit log. */
export interface VaultProcess {
  readonly process: ServerProcess;
  readonly folder: VaultFolder;
  readonly tokenPort: number;
  readonly client: UnaryClient;
  /** Milliseconds from its start until it is ready. */
  readonly startTime: number;
  /** One counter of `/metrics`; 0 if the series does not exist. */
  counter(series: string): Promise<number>;
  stop(): Promise<void>;
}

export interface VaultSettings {
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the clients. Undefined: plaintext. */
  readonly tls?: ClientTls | undefined;
  /** Default: the bundle of this checkout. */
  readonly program?: string | undefined;
  /** Modules of this folder that run before the program. */
  readonly imports?: readonly string[];
}

/** The bundle that `npm run build` makes, as in production. */
export const PROGRAM = '../../bin/token-vault.js';
export const SOURCES = '../../src/main.ts';

interface ProgramSettings extends Pick<ServerOptions, 'hasProbe' | 'imports'> {
  /** Path of the program, from the folder of this file. */
  readonly script: string;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

export async function startVault(
  folder: VaultFolder,
  entraUrl: string,
  { environment, tls, program = PROGRAM, imports }: VaultSettings = {},
): Promise<VaultProcess> {
  const settings = { script: program, imports, environment };
  const { server, startTime, token, ops } = await startProgram(folder, entraUrl, settings);
  const client = createUnaryClient({ port: token, tls, apiKey: tls?.cert === undefined ? folder.apiKey : undefined });
  return {
    process: server,
    folder,
    tokenPort: token,
    client,
    startTime,
    async counter(series) {
      const text = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return Number(line?.slice(series.length + 1) ?? 0);
    },
    async stop() {
      client.close();
      await server.stop();
    },
  };
}

/** Settles when it is ready. */
export async function startProgram(
  folder: VaultFolder,
  entraUrl: string,
  { script, hasProbe = true, imports, environment }: ProgramSettings,
) {
  const [token, admin, web, ops] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const started = performance.now();
  const server = startProcess({
    script,
    imports,
    args: ['serve'],
    hasProbe,
    cwd: folder.path,
    env: {
      TOKENVAULT_GRPC_ADDRESS: `127.0.0.1:${token}`,
      TOKENVAULT_ADMIN_ADDRESS: `127.0.0.1:${admin}`,
      TOKENVAULT_WEB_ADDRESS: `127.0.0.1:${web}`,
      TOKENVAULT_OPS_ADDRESS: `127.0.0.1:${ops}`,
      TOKENVAULT_DATABASE_URL: folder.databaseUrl ?? `sqlite:${folder.database}`,
      TOKENVAULT_KEY_SOURCE: `file:${folder.kek}`,
      TOKENVAULT_CALLERS_FILE: folder.callers,
      TOKENVAULT_AUDIT_FILE: folder.audit,
      TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL: entraUrl,
      ...environment,
    },
  });
  await untilReady(`http://127.0.0.1:${ops}/readyz`, server);
  return { server, startTime: performance.now() - started, token, ops };
}

export const GET_ACCESS_TOKEN = methodPath(TokenService.method.getAccessToken);

/** Responses of GetAccessToken by source, as counted by the vault. */
export function servedFrom(vault: VaultProcess, source: 'CACHE' | 'DATABASE' | 'ENTRA'): Promise<number> {
  return vault.counter(`tokenvault_tokens_served_total{source="${source}"}`);
}

/** Up to a minute: notes that are pending take memory, and their writing takes CPU. */
export async function untilUsageIsWritten(vault: VaultProcess): Promise<void> {
  while ((await vault.counter('tokenvault_usage_notes_pending')) > 0)
    await new Promise((resolve) => setTimeout(resolve, 250));
}

export function requestFrame(connection: string, minTtlSeconds?: number): Buffer {
  const minTtl = minTtlSeconds === undefined ? undefined : { seconds: BigInt(minTtlSeconds), nanos: 0 };
  const request = create(GetAccessTokenRequestSchema, {
    connection,
    scopes: ['Mail.ReadOnly'],
    ...(minTtl && { minTtl }),
  });
  return grpcFrame(toBinary(GetAccessTokenRequestSchema, request));
}

export function vaultTarget(vault: VaultProcess, frame: Target['frame'], answerBytes: number): Target {
  return {
    name: 'vault',
    port: vault.tokenPort,
    path: GET_ACCESS_TOKEN,
    frame,
    answerBytes,
    apiKey: vault.folder.apiKey,
  };
}

async function untilReady(url: string, server: ServerProcess): Promise<void> {
  for (;;) {
    if (server.hasEnded()) throw new Error(`the vault does not start:\n${server.output()}`);
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
