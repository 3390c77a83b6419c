import { existsSync } from 'node:fs';
import type { Config } from '../../config/config_interface.ts';
import { createKeySource, parseKeySource } from '../../keyring/create_root_key_source.ts';
import { checkRootKeys } from '../../store/check_root_keys.ts';
import { refuseUnfinishedCopy } from '../../store/copy/unfinished_copy.ts';
import { openDatabaseReadonly } from '../../store/open_database_readonly.ts';
import { createMeta } from '../../store/vault/vault_metadata_store.ts';

/** Whether the database can be opened, and its schema. */
export async function checkDatabase({ databaseUrl, postgres }: Config): Promise<string> {
  const opened = await openDatabaseReadonly(databaseUrl, postgres);
  if (opened === undefined) return NOT_MIGRATED[databaseUrl.startsWith('sqlite:') ? 'sqlite' : 'postgres'];
  const { database, missingMigrations } = opened;
  try {
    await refuseUnfinishedCopy(createMeta(database));
  } finally {
    await database.close();
  }
  return missingMigrations === 0
    ? 'readable, with the schema of this version'
    : `readable; the next start applies ${missingMigrations} migrations. Back it up before`;
}

const NOT_MIGRATED = {
  sqlite: 'does not exist yet; the first start creates it',
  postgres: 'reachable; it is empty or has an older schema, which the next start migrates. Back it up before',
};

/** Whether the root key can be read, and opens the database. */
export async function checkRootKey(config: Config): Promise<string> {
  const { keySource, credentialsDirectory, databaseUrl, postgres } = config;
  // The check before this one reports a database that cannot be opened.
  const opened = await openDatabaseReadonly(databaseUrl, postgres).catch(() => 'unusable' as const);
  try {
    const source = parseKeySource(keySource);
    const isMissing = source.kind === 'file' && !existsSync(source.path);
    const isFirstStart = opened === undefined && databaseUrl.startsWith('sqlite:');
    if (isFirstStart && isMissing) return 'does not exist yet; the first start creates it';
    const keks = await createKeySource(keySource, { credentialsDirectory }).load();
    const id = keks.current.id.toString('hex');
    const isChecked = typeof opened === 'object' && (await checkRootKeys(opened.database, keks));
    return isChecked ? `${id} opens the database` : `${id} is readable; no database was opened with it`;
  } finally {
    if (typeof opened === 'object') await opened.database.close();
  }
}
