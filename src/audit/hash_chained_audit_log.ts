import { createHmac, createSecretKey } from 'node:crypto';
import { promisify } from 'node:util';
import { type Clock, MINUTE } from '../model/clock.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { createEntryGroup } from './audit_entry_batch_writer.ts';
import type { AuditFile } from './audit_log_file.ts';
import { type AuditAlert, type AuditMetrics, createLogHealth } from './audit_log_health.ts';
import type { AuditLedger, AuditLog } from './audit_log_interface.ts';
import { findStream } from './find_stream_at_startup.ts';
import type { ChainPoint } from './hash_chain.ts';
import { type AuditRotation, createChainedFile } from './hash_chained_log_file.ts';

export interface ChainedAuditLogParts {
  readonly file: AuditFile;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  /** Identifies this process in each line. */
  readonly instance: string;
  /** Where the log is written, for people, as `HOST:PATH`. */
  readonly name: string;
  /** Size in bytes at which a file is rotated. Default: 1 GiB. */
  readonly rotateAt?: number;
  /** Name of a rotated file, by the number of its last entry. */
  readonly rotatedName?: (last: number) => string;
  readonly metrics?: AuditMetrics;
  readonly alert?: (topic: AuditAlert) => void;
  /** The stream that this process writes, once at the start. */
  readonly onStream?: (stream: StartedStream) => void;
}

export interface StartedStream {
  readonly streamId: string;
  /** The last entry that the file already has. */
  readonly after: number;
  /** The stream that the last process with this log wrote, if that is another one. */
  readonly replaced: string | undefined;
}

export interface ChainedAuditLog extends AuditLog {
  /** Begins a new file, as when the present one is full. Calls during a rotation share it. */
  rotate(): Promise<AuditRotation>;
}

const CHECKPOINT_EVERY = MINUTE;
const MAINTENANCE_EVERY = 1_000;

/** An audit log of JSON lines in groups. A seal after each group includes the seal before it. */
export async function createChainedAuditLog(parts: ChainedAuditLogParts): Promise<ChainedAuditLog> {
  const { ledger, clock, instance, name, metrics, alert } = parts;
  const key = createSecretKey(await ledger.auditKey());
  // Lines of an earlier process must be on the disk before the chain continues from them.
  await promisify(parts.file.sync)();
  const start = await findStream({ ...parts, key });
  const { streamId, found, replaced, listed } = start;
  const firstTime = listed?.firstTime ?? clock.now();
  if (found !== 'whole') alert?.(`audit_${found}`);

  const health = createLogHealth(parts);
  const file = createChainedFile({
    ...parts,
    key: { key, streamId },
    end: start,
    health,
    onAccepting: () => group.flush(),
  });
  const group = createEntryGroup({ file, instance, health, metrics });
  let savedNumber = start.number;

  function save({ number, chain }: ChainPoint): Promise<void> {
    const now = clock.now();
    return ledger.saveStream({
      streamId,
      name,
      firstNumber: 1,
      firstTime,
      lastNumber: number,
      // Later than the stream before it in this place, even if the clock was set back.
      lastTime: Math.max(now, replaced === undefined ? 0 : replaced.lastTime + 1),
      chain,
    });
  }

  /** Saves a checkpoint if the file has grown since the last one. Never rejects. */
  async function saveCheckpoint(): Promise<void> {
    if (savedNumber === file.sealed || !health.writable) return;
    await file.sync();
    // Only synced entries: after a power failure, a checkpoint ahead of the file would look like a cut.
    const { durable } = file;
    if (durable.number === savedNumber) return;
    try {
      await save(durable);
      savedNumber = durable.number;
    } catch {
      alert?.('audit_checkpoint');
    }
  }

  /** Retries a failed log without a call, because an unready vault receives none. */
  function maintain(): void {
    try {
      file.maintain();
    } catch {
      health.report('audit_write', false);
    }
  }

  file.open(found);
  // Listed before its first entry, and after its opening is durable: a listed stream has a file.
  await file.sync();
  await save(start);
  parts.onStream?.({ streamId, after: start.number, replaced: replaced?.streamId });
  const checkpointTimer = setInterval(saveCheckpoint, CHECKPOINT_EVERY).unref();
  const maintenanceTimer = setInterval(maintain, MAINTENANCE_EVERY).unref();
  metrics?.writable(true);

  return {
    append: group.append,
    fingerprint(token) {
      return createHmac('sha256', key).update(token.reveal(), 'utf8').digest('hex').slice(0, 16);
    },
    get writable() {
      return health.writable;
    },
    rotate: runOnceAtATime(file.rotate),
    async close() {
      clearInterval(checkpointTimer);
      clearInterval(maintenanceTimer);
      await file.settle();
      group.close();
      await file.sync();
      await file.settle();
      await saveCheckpoint();
      parts.file.close();
    },
  };
}
