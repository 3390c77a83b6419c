import { existsSync } from 'node:fs';
import { createKeySource, parseKeySource } from '../keyring/create_root_key_source.ts';
import { createKekFile } from '../keyring/file_root_key_source.ts';
import type { KeyringMeter } from '../keyring/keyring.ts';
import type { Clock } from '../model/clock.ts';
import { createStores } from './create_stores.ts';
import type { StatementMeter } from './database_interface.ts';
import { openDatabase } from './open_database.ts';
import type { PostgresSettings } from './postgres/postgres_settings.ts';
import type { Stores } from './store_interfaces.ts';
import { type StoreTracing, traceCommits, traceSeals } from './trace_store.ts';

/**
 * Opens the database at a URL with the root key of a key source. A missing key file is created for an empty database only: for any
 * other database, a new key would hide that the right one is missing.
 */
export async function openStores(parts: {
  readonly databaseUrl: string;
  readonly postgres?: PostgresSettings | undefined;
  readonly keySource: string;
  readonly credentialsDirectory?: string | undefined;
  readonly clock: Clock;
  readonly meter?: (StatementMeter & KeyringMeter) | undefined;
  readonly tracing?: StoreTracing | undefined;
}): Promise<Stores> {
  const { databaseUrl, postgres, keySource, credentialsDirectory, clock, tracing } = parts;
  const meter = tracing === undefined ? parts.meter : traceSeals(parts.meter, tracing);
  const untraced = await openDatabase({ url: databaseUrl, postgres, meter });
  const database = tracing === undefined ? untraced : traceCommits(untraced, tracing);
  try {
    const source = parseKeySource(keySource);
    if (source.kind === 'file' && database.isEmpty && !existsSync(source.path)) await createKekFile(source.path);
    const keks = await createKeySource(keySource, { credentialsDirectory }).load();
    return await createStores({ database, keks, clock, meter });
  } catch (error) {
    await database.close();
    throw error;
  }
}
