import { max } from 'drizzle-orm';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Database } from '../database_interface.ts';
import { encodeInstance, newInstance } from '../vault/database_instance.ts';
import { refuseLiveReplicas } from '../vault/refuse_live_replicas.ts';
import { createMeta, type MetaKey } from '../vault/vault_metadata_store.ts';
import { COPIED_TABLES, createTableReader, type TableName } from './copied_tables.ts';
import { compareRows, copyDiffers, copyRows } from './copy_rows.ts';
import { copyOutboxSequence } from './outbox_sequence.ts';
import { refuseUnfinishedCopy, unfinishedCopy } from './unfinished_copy.ts';

export interface CopyParts {
  /** No vault serves it. */
  readonly source: Database;
  /** Empty, or an unfinished copy of the same source. */
  readonly target: Database;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: CopyProgress;
}

/** Written during the copy. */
export interface CopyProgress {
  step: 'copying' | 'comparing';
  table: string;
  done: number;
  /** Rows to copy and to compare. */
  total: number;
}

export interface CopyResult {
  /** Rows by table. */
  readonly rows: ReadonlyMap<TableName, number>;
  /** Whether an earlier copy was continued. */
  readonly isContinued: boolean;
}

/**
 * Copies all rows as they are; sealed values stay sealed under the same root key. Until all rows are compared, no vault serves the target.
 * The target becomes a copy with an instance id of its own. DATABASE_UNAVAILABLE, RECORD_CORRUPT.
 */
export async function copyDatabase({ source, target, clock, signal, progress }: CopyParts): Promise<CopyResult> {
  await refuseLiveReplicas(source);
  const isContinued = await beginCopy(source, target);
  const rows = new Map<TableName, number>();
  for (const name of COPIED_TABLES) rows.set(name, await createTableReader(source, name).count());
  progress.total = 2 * [...rows.values()].reduce((sum, count) => sum + count, 0);

  const onRows = (count: number) => {
    progress.done += count;
  };
  for (const [step, work] of [
    ['copying', copyRows],
    ['comparing', compareRows],
  ] as const) {
    progress.step = step;
    for (const name of COPIED_TABLES) {
      progress.table = name;
      await work({ source, target, name, signal, onRows });
    }
  }
  await copyOutboxSequence(source, target);
  await refuseLiveReplicas(source);
  await finishCopy(target, clock);
  return { rows, isContinued };
}

/** Copies `meta` together with the marker, so that the target is never taken for an empty or a complete database. */
async function beginCopy(source: Database, target: Database): Promise<boolean> {
  const [from, to] = [createMeta(source), createMeta(target)];
  await refuseUnfinishedCopy(from);
  const id = await from.find('deployment_id');
  if (id === undefined) throw unusable('missing', 'The source has no vault in it. Check --from.');
  const { meta } = source.tables;
  const all = await source.select('copy.meta', (db) => db.select().from(meta));
  // The target has an identity of its own.
  const rows = all.filter(({ key }) => key !== 'instance');
  const found = await to.find('deployment_id');
  if (found === undefined) {
    const inserts = rows.map(({ key, value }) => to.insert(key as MetaKey, value));
    await target.commit(unfinishedCopy(target, to).begin(), ...inserts);
    return false;
  }
  if (!found.equals(id)) throw unusable('not_empty', 'The target has another vault. Give an empty database with --to.');
  if ((await to.find('unfinished_copy')) === undefined)
    throw unusable('not_empty', 'The target has this vault already: the copy was completed. Check --to.');
  for (const { key, value } of rows) {
    if (!value.equals((await to.find(key as MetaKey)) ?? Buffer.alloc(0))) throw copyDiffers('meta', key);
  }
  return true;
}

async function finishCopy(target: Database, clock: Clock): Promise<void> {
  const { outbox } = target.tables;
  const [newest] = await target.select('copy.newest', (db) => db.select({ time: max(outbox.time) }).from(outbox));
  const meta = createMeta(target);
  const instance = newInstance(target.filePlace, Math.max(clock.now(), newest?.time ?? 0));
  await target.commit(meta.insert('instance', encodeInstance(instance)), unfinishedCopy(target, meta).finish());
  // The copy must not be in the write-ahead log only.
  await target.shred();
}

function unusable(fault: string, message: string): VaultError {
  return new VaultError('DATABASE_UNAVAILABLE', message, { metadata: { fault } });
}
