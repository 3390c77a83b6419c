import { createHmac, createSecretKey } from 'node:crypto';
import { promisify } from 'node:util';
import { type Clock, MINUTE } from '../model/clock.ts';
import type { AuditFile } from './audit_file.ts';
import type { AuditLedger, AuditLog } from './audit_log.ts';
import { createChainedFile } from './chained_file.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createEntryGroup } from './entry_group.ts';
import { findEnd } from './log_end.ts';
import { type AuditAlert, type AuditMetrics, createLogHealth } from './log_health.ts';

export interface ChainedAuditLogParts {
  readonly file: AuditFile;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  /** Names this process in every line. */
  readonly instance: string;
  /** A file that grew to this many bytes is set aside. Default 1 GiB. */
  readonly rotateAt?: number;
  /** Name of the file that is set aside, by the number of its last entry. */
  readonly rotatedName?: (last: number) => string;
  readonly metrics?: AuditMetrics;
  readonly alert?: (topic: AuditAlert) => void;
}

const CHECKPOINT_EVERY = MINUTE;
const TEND_EVERY = 1_000;

/** JSON lines in groups, each group under a seal that takes in the one before it. */
export async function createChainedAuditLog(parts: ChainedAuditLogParts): Promise<AuditLog> {
  const { ledger, instance, metrics, alert } = parts;
  const key = createSecretKey(await ledger.auditKey());
  const checkpoint = await ledger.lastCheckpoint();
  // What an earlier process wrote must be on the disk before anything builds on it.
  await promisify(parts.file.sync)();
  const end = findEnd(parts.file, key, checkpoint);
  if (end.found !== 'whole') alert?.(`audit_${end.found}`);

  const health = createLogHealth(parts);
  const file = createChainedFile({ ...parts, key, end, health, onAccepting: () => group.flush() });
  const group = createEntryGroup({ file, instance, health, metrics });
  const checkpoints = createCheckpoints({ ...parts, file, health, saved: checkpoint?.number });

  /** Without callers nothing is written, and without readiness no callers come: so a log that failed tries by itself. */
  function tend(): void {
    try {
      file.tend();
    } catch {
      health.judge('audit_write', false);
    }
  }

  file.open(end.found);
  const saving = setInterval(checkpoints.save, CHECKPOINT_EVERY).unref();
  const tending = setInterval(tend, TEND_EVERY).unref();
  metrics?.writable(true);

  return {
    append: group.append,
    fingerprint(token) {
      return createHmac('sha256', key).update(token.reveal(), 'utf8').digest('hex').slice(0, 16);
    },
    get writable() {
      return health.writable;
    },
    async close() {
      clearInterval(saving);
      clearInterval(tending);
      await file.settle();
      group.close();
      await file.sync();
      await file.settle();
      await checkpoints.save();
      parts.file.close();
    },
  };
}
