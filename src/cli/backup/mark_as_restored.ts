import { readConfig } from '../../config/read_config_from_environment.ts';
import { systemClock } from '../../model/clock.ts';
import { openDatabase } from '../../store/open_database.ts';
import { markRestored, type RestoredDatabase } from '../../store/vault/mark_restored.ts';
import { EXIT } from '../exit_codes.ts';
import { type LoggedContainments, readLoggedContainments } from './containments_of_audit_log.ts';
import { containmentLines } from './restored_containments.ts';

/** Gives the database of the configuration a new instance id, prints what to check, and returns the exit code. */
export async function markAsRestored(): Promise<number> {
  const { databaseUrl, postgres, auditFile } = readConfig();
  const database = await openDatabase({ url: databaseUrl, postgres, mustExist: true });
  try {
    const restored = await markRestored(database, systemClock.now());
    console.log(textOf(restored, readLoggedContainments(auditFile)));
    return EXIT.OK;
  } finally {
    await database.close();
  }
}

function textOf(restored: RestoredDatabase, logged: LoggedContainments | undefined): string {
  const { before, after, newestEventTime, rotations, rotatedApps } = restored;
  const newest =
    newestEventTime === undefined
      ? 'It has no events.'
      : `Its newest event is of ${new Date(newestEventTime).toISOString()}; what changed later is lost.`;
  return [
    `The database has the new instance id ${after.id}${before === undefined ? '' : ` instead of ${before.id}`}. ${newest}`,
    'Rotations of this copy neither remove nor reuse client secrets that the original database knows.',
    ...rotations.map(({ step, ...app }) => `  rotation in progress: ${nameOf(app)} (${step})`),
    ...containmentLines(restored.containments, logged),
    '',
    'Check, before you start a vault:',
    '  - The vault of the original database is stopped, or cannot reach Entra: both use the same refresh tokens.',
    '  - `token-vault config check` accepts the root key for this database.',
    '  - The audit log is at least as new as the database.',
    'Then:',
    ...(rotatedApps.length === 0
      ? []
      : [
          '  - Run VerifyApp for each app that the vault rotates, whose newest client secret may be lost:',
          ...rotatedApps.map((app) => `      ${nameOf(app)}`),
        ]),
    '  - Repeat suspensions and deletions that were made since the backup; the audit log has them.',
    '  - Delete client secrets at Entra that credential.rotation_failed reports as IN_USE, once the original is gone.',
  ].join('\n');
}

function nameOf({ tenantId, appId }: { readonly tenantId: string; readonly appId: string }): string {
  return `tenants/${tenantId}/apps/${appId}`;
}
