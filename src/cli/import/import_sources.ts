import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Cloud } from '../../gen/tokenvault/v1/app_pb.ts';
import { SECOND } from '../../model/clock.ts';
import { Secret } from '../../model/secret.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { AppSpec } from './app_spec.ts';
import { readConnectionsFile } from './connections_format.ts';
import { isUtf16, SAVE_AS_UTF8 } from './encoding.ts';
import type { ImportFlags } from './import_flags.ts';
import { type ImportOptions, runImport } from './run_import.ts';
import { readBotpressConfig } from './sources/botpress_config.ts';
import { CHATWOOT_SCOPES, readChatwootChannel } from './sources/chatwoot_channels.ts';
import { readChatwootEnv } from './sources/chatwoot_env.ts';
import { openConnectionsFile } from './sources/connections_file.ts';

/** The commands: each makes of its files what all of them send. They answer the exit code. */
export async function importJsonl(file: string, flags: ImportFlags): Promise<number> {
  const { tenant, scope = [] } = flags;
  const connections = await openConnectionsFile(file, readConnectionsFile, { tenantId: tenant, scopes: scope });
  return runImport({ inputs: [file], wishes: [], leftOut: [], connections }, optionsOf(flags));
}

export async function importBotpress(file: string, flags: ImportFlags): Promise<number> {
  const { tenant = '', customLoginUrl } = flags;
  const config = readBotpressConfig(await textOf(file), { tenantId: tenant, customLoginUrl });
  return runImport({ inputs: [file], ...config }, optionsOf(flags));
}

export async function importChatwoot(flags: ImportFlags): Promise<number> {
  const { tenant = '', env: envFile = '', channels, scope = [] } = flags;
  const env = readChatwootEnv(await textOf(envFile), envFile);
  const scopes = scope.length > 0 ? scope : CHATWOOT_SCOPES;
  const connections =
    channels === undefined
      ? undefined
      : await openConnectionsFile(channels, readChatwootChannel, { tenantId: tenant, scopes });
  const baseUrl = flags.baseUrl ?? env.baseUrl;
  if (baseUrl === undefined)
    throw new CommandError(EXIT.USAGE, `Where does Chatwoot live? ${envFile} has no FRONTEND_URL: give --base-url`);
  const wish: AppSpec = {
    ...appOf(flags, tenant),
    preset: 'chatwoot',
    baseUrl,
    clientId: env.clientId,
    clientSecret: env.clientSecret,
    signInAudience: env.directoryId,
  };
  return runImport({ inputs: filesOf(envFile, channels), wishes: [wish], leftOut: [], connections }, optionsOf(flags));
}

export async function importProduct(preset: 'deskpro' | 'aurinko', flags: ImportFlags): Promise<number> {
  const { tenant = '', clientId = '', clientSecretFile = '', connections: file, scope = [] } = flags;
  if (clientSecretFile === '-' && file === '-')
    throw new CommandError(EXIT.USAGE, 'Standard input is one: the client secret or the connections');
  const secret = (await textOf(clientSecretFile)).trim();
  if (secret === '') throw new CommandError(EXIT.DATA, `${clientSecretFile} is empty: it must hold the client secret`);
  const connections =
    file === undefined
      ? undefined
      : await openConnectionsFile(file, readConnectionsFile, { tenantId: tenant, scopes: scope });
  const wish: AppSpec = {
    ...appOf(flags, tenant),
    preset,
    clientId,
    clientSecret: new Secret(secret),
    secretExpireTime: flags.secretExpires,
    signInAudience: undefined,
  };
  const inputs = filesOf(clientSecretFile, file);
  return runImport({ inputs, wishes: [wish], leftOut: [], connections }, optionsOf(flags));
}

const CLOUDS = { global: Cloud.GLOBAL, 'us-gov': Cloud.US_GOV, china: Cloud.CHINA, custom: Cloud.CUSTOM } as const;

function appOf({ baseUrl, redirectUri = [], cloud = 'global' }: ImportFlags, tenantId: string) {
  return {
    line: undefined,
    what: 'app',
    tenantId,
    baseUrl,
    redirectUris: redirectUri,
    cloud: CLOUDS[cloud],
    implicitPermissions: [],
    appId: undefined,
    warnings: [],
  };
}

function optionsOf(flags: ImportFlags): ImportOptions {
  const { address, apiKeyFile, caFile, plaintext, certFile, keyFile, report, patience, verify = 'now' } = flags;
  const { apply = false, json = false } = flags;
  return {
    address,
    apiKeyFile,
    caFile,
    plaintext,
    certFile,
    keyFile,
    apply,
    json,
    report,
    patience: patience * SECOND,
    verify,
  };
}

function filesOf(...paths: readonly (string | undefined)[]): readonly string[] {
  return paths.filter((path) => path !== undefined);
}

async function textOf(path: string): Promise<string> {
  const bytes = path === '-' ? await buffer(process.stdin) : await readFile(path).catch(() => undefined);
  if (bytes === undefined)
    throw new CommandError(EXIT.NO_INPUT, `${path} cannot be read; check that it exists and who may`);
  if (isUtf16(bytes)) throw new CommandError(EXIT.DATA, `${path} is in UTF-16. ${SAVE_AS_UTF8}`);
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}
