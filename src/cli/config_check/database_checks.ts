import { existsSync } from 'node:fs';
import type { Config } from '../../config/config_interface.ts';
import { createKeySource, parseKeySource } from '../../keyring/create_root_key_source.ts';
import { checkRootKeys } from '../../store/check_root_keys.ts';
import { refuseUnfinishedCopy } from '../../store/copy/unfinished_copy.ts';
import { openDatabaseReadonly } from '../../store/open_database_readonly.ts';
import { createMeta } from '../../store/vault/vault_metadata_store.ts';

/** Whether the database can be opened, and its schema. */
export async function checkDatabase({ databaseUrl }: Config): Promise<string> {
  const opened = await openDatabaseReadonly(databaseUrl);
  if (opened === undefined) return 'does not exist yet; the first start creates it';
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

/** Whether the root key can be read, and opens the database. */
export async function checkRootKey({ keySource, credentialsDirectory, databaseUrl }: Config): Promise<string> {
  // The check before it reports a database that cannot be opened.
  const opened = await openDatabaseReadonly(databaseUrl).catch(() => undefined);
  try {
    const source = parseKeySource(keySource);
    const isMissing = source.kind === 'file' && !existsSync(source.path);
    if (opened === undefined && isMissing) return 'does not exist yet; the first start creates it';
    const keks = await createKeySource(keySource, { credentialsDirectory }).load();
    const id = keks.current.id.toString('hex');
    const isChecked = opened !== undefined && (await checkRootKeys(opened.database, keks));
    return isChecked ? `${id} opens the database` : `${id} is readable; there is no database to open`;
  } finally {
    await opened?.database.close();
  }
}
