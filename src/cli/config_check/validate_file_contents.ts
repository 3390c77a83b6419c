import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readCallersFile } from '../../config/callers_file.ts';
import { readCatalogFiles } from '../../config/catalog_files.ts';
import type { Config } from '../../config/config_interface.ts';
import { eventGridKeyFile as settledKeyFile } from '../../config/event_grid_key_file.ts';
import { readOnce } from '../../config/settled_file_reload.ts';
import { sinksFile as settledSinksFile } from '../../config/sinks_file.ts';
import { callersOf } from '../../model/authenticated_caller.ts';
import type { TokenIssuer } from '../../model/token_issuer.ts';
import { callersVocabulary } from '../../rpc/pipeline/callers_vocabulary.ts';
import { createScopes } from '../../scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../scopes/load_scope_catalogs.ts';
import { CommandError, EXIT } from '../exit_codes.ts';

export async function checkAuditFile({ auditFile }: Config): Promise<string> {
  if (auditFile === '-' || auditFile === '/dev/stdout') return 'goes to standard output';
  const file = resolve(auditFile);
  const existing = statSync(file, { throwIfNoEntry: false }) === undefined ? existingFolder(dirname(file)) : file;
  try {
    accessSync(existing, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      EXIT.UNAVAILABLE,
      `Cannot write the audit log ${file} (${code}: ${existing}). Check its folder, its owner and TOKENVAULT_AUDIT_FILE.`,
    );
  }
  return existing === file ? 'writable' : 'does not exist yet; the first start creates it';
}

function existingFolder(folder: string): string {
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? existingFolder(dirname(folder)) : folder;
}

export async function checkCatalogs({ catalogsDir }: Config): Promise<string> {
  return (await catalogsIn(catalogsDir)).map(({ name }) => name).join(', ');
}

async function catalogsIn(folder: string | undefined) {
  return loadCatalogs(await readCatalogFiles(folder));
}

export async function checkEventGridKeys({ eventGridKeyFile }: Config): Promise<string> {
  if (eventGridKeyFile === undefined) return 'not set: events of Event Grid are not accepted';
  const { keys, warnings } = await readOnce(settledKeyFile(eventGridKeyFile));
  return [`${keys.length} keys`, ...warnings].join('\n');
}

export async function checkCallers({ callersFile, catalogsDir }: Config): Promise<string> {
  if (callersFile === undefined) return 'not set: programs on this machine may call';
  // The check of the catalogs reports those that cannot be read.
  const catalogs = await catalogsIn(catalogsDir).catch(() => loadCatalogs());
  const known = await readCallersFile(callersFile, callersVocabulary(createScopes({ catalogs })));
  const { keys, certificates, tokens, issuers } = known;
  const expired = keys.filter(({ caller }) => caller.expireTime <= Date.now());
  const callers = new Set(callersOf(known).map(({ id }) => id));
  return [
    `${callers.size} callers with ${keys.length} API keys, ${certificates.length} certificates and ${tokens.length} tokens`,
    ...issuers.flatMap(unreadableIssuerFiles),
    ...expired.map(({ caller }) => `the key ${caller.credentialId} of ${caller.id} has expired: remove or replace it`),
  ].join('\n');
}

/** Warnings: the vault starts without the keys of issuers. */
function unreadableIssuerFiles({ id, jwks }: TokenIssuer): readonly string[] {
  const files = 'file' in jwks ? [jwks.file] : [jwks.caFile, jwks.tokenFile];
  return files
    .filter((path) => path !== undefined && !isReadable(path))
    .map((path) => `the issuer ${id} needs ${path}, which cannot be read: its tokens are refused until it can`);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

export async function checkSinks({ sinksFile }: Config): Promise<string> {
  if (sinksFile === undefined) return 'not set: events are not sent to webhooks';
  const { sinks, warnings } = await readOnce(settledSinksFile(sinksFile));
  return [`${sinks.length} sinks: ${sinks.map(({ id }) => id).join(', ')}`, ...warnings].join('\n');
}
