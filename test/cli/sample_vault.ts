import { statSync } from 'node:fs';
import { join } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { createKeySource } from '../../src/keyring/create_root_key_source.ts';
import { createKekFile } from '../../src/keyring/file_root_key_source.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { startVault, type VaultUnderTest } from '../conformance/vault_under_test.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';
import { type Result, type Run, startProgram } from './program.ts';

export interface SampleVault {
  readonly folder: string;
  readonly database: string;
  path(name: string): string;
  /** Opens the database, or another file, with the root key of the vault. */
  open(file?: string): Promise<VaultUnderTest['stores']>;
  /** `token-vault …` in the folder. */
  start(args: readonly string[], environment?: Readonly<Record<string, string>>): Run;
  run(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Result>;
}

/** The files of a stopped vault with a tenant, its app and a connection, in the folders of the default configuration. */
export async function createSampleVault(
  fill: (vault: VaultUnderTest) => Promise<unknown> = async () => {},
): Promise<SampleVault> {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder, name);
  const database = path('data/vault.db');
  await createKekFile(path('keys/kek'));
  const openAs = async (file: string, clock: { now(): number }) => {
    const opened = await openDatabase({ url: `sqlite:${file}` });
    const keks = await createKeySource(`file:${path('keys/kek')}`).load();
    return { database: opened, stores: await createStores({ database: opened, keks, clock }) };
  };
  const vault = await startVault((clock) => openAs(database, clock));
  await fill(vault);
  await vault.stores.close();
  const start = (args: readonly string[], environment?: Readonly<Record<string, string>>) =>
    startProgram(args, { folder, ...(environment && { environment }) });
  return {
    folder,
    database,
    path,
    open: async (file = database) => (await openAs(file, vault.clock)).stores,
    start,
    run: (args, environment) => start(args, environment).ended,
  };
}

/** Runs SQL on a file that no vault serves. */
export function runSql(file: string, sql: string): void {
  const client = new SqliteConnection(file);
  client.exec(sql);
  client.close();
}

export function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}
