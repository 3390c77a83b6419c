import { CLOUDS, type CloudName } from '../cloud_option.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { readSecret, readText } from '../read_input.ts';
import type { AppSpec } from './app_to_register.ts';
import { readConnectionsFile } from './parse_connection_json.ts';
import { type ImportOptions, runImport } from './run_import.ts';
import { readBotpressConfig } from './sources/read_botpress_config.ts';
import { CHATWOOT_SCOPES, readChatwootChannel } from './sources/read_chatwoot_channel.ts';
import { readChatwootEnv } from './sources/read_chatwoot_env.ts';
import { openConnectionsFile, type ReadEntry } from './sources/read_connections_jsonl_file.ts';

/** The parsed options; each command has some of them. */
export interface ImportFlags extends ImportOptions {
  readonly tenant?: string;
  readonly scope?: readonly string[];
  readonly cloud?: CloudName;
  readonly customLoginUrl?: string;
  readonly baseUrl?: string;
  readonly redirectUri?: readonly string[];
  readonly env?: string;
  readonly channels?: string;
  readonly connections?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  /** Milliseconds since the Unix epoch. */
  readonly secretExpires?: number;
}

/** Each command reads its files, runs the import, and returns the exit code. */
export async function importJsonl(file: string, flags: ImportFlags): Promise<number> {
  const connections = await openConnections(file, readConnectionsFile, flags);
  return runImport({ inputs: [file], apps: [], rejected: [], connections }, flags);
}

export async function importBotpress(file: string, flags: ImportFlags): Promise<number> {
  const { tenant = '', customLoginUrl } = flags;
  const config = readBotpressConfig(await readText(file, process), { tenantId: tenant, customLoginUrl });
  return runImport({ inputs: [file], ...config }, flags);
}

export async function importChatwoot(flags: ImportFlags): Promise<number> {
  const { env: envFile = '', channels } = flags;
  const env = readChatwootEnv(await readText(envFile, process), envFile);
  const connections = await openConnections(channels, readChatwootChannel, flags, CHATWOOT_SCOPES);
  const baseUrl = flags.baseUrl ?? env.baseUrl;
  if (baseUrl === undefined)
    throw new CommandError(
      EXIT.USAGE,
      `The URL of Chatwoot is unknown: ${envFile} has no FRONTEND_URL. Add --base-url.`,
    );
  const { clientId, clientSecret, directoryId } = env;
  const app = {
    ...appOf(flags),
    preset: 'chatwoot',
    baseUrl,
    clientId,
    clientSecret,
    signInAudience: directoryId,
  } as const;
  return runImport({ inputs: [envFile, ...given(channels)], apps: [app], rejected: [], connections }, flags);
}

export async function importProduct(preset: 'deskpro' | 'aurinko', flags: ImportFlags): Promise<number> {
  const { clientId = '', clientSecretFile = '', connections: file } = flags;
  if (clientSecretFile === '-' && file === '-')
    throw new CommandError(
      EXIT.USAGE,
      'Standard input can hold the client secret or the connections. Use a file for one.',
    );
  const secret = await readSecret(clientSecretFile, 'client secret', process);
  const connections = await openConnections(file, readConnectionsFile, flags);
  const app: AppSpec = {
    ...appOf(flags),
    preset,
    clientId,
    clientSecret: secret,
    secretExpireTime: flags.secretExpires,
    signInAudience: undefined,
  };
  return runImport({ inputs: [clientSecretFile, ...given(file)], apps: [app], rejected: [], connections }, flags);
}

function appOf({ tenant = '', baseUrl, redirectUri = [], cloud = 'global' }: ImportFlags) {
  const none = { line: undefined, appId: undefined, implicitPermissions: [], warnings: [] };
  return { ...none, what: 'app', tenantId: tenant, baseUrl, redirectUris: redirectUri, cloud: CLOUDS[cloud] };
}

async function openConnections(
  path: string | undefined,
  read: ReadEntry,
  { tenant, scope = [] }: ImportFlags,
  usualScopes: readonly string[] = [],
) {
  const scopes = scope.length > 0 ? scope : usualScopes;
  return path === undefined ? undefined : openConnectionsFile(path, read, { tenantId: tenant, scopes });
}

function given(path: string | undefined): readonly string[] {
  return path === undefined ? [] : [path];
}
