import { randomBytes } from 'node:crypto';
import type { AuditCheckpoint, AuditLedger } from '../../audit/audit_log_interface.ts';
import type { Keyring } from '../../keyring/keyring.ts';
import type { Database } from '../database_interface.ts';
import { SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { Meta } from './vault_metadata_store.ts';

const KEY_BYTES = 32;

const placeOf = SEALED_COLUMNS.meta.value;

interface AuditLedgerParts {
  database: Database;
  meta: Meta;
  keyring: Keyring;
}

/** Key and checkpoint of the audit log, sealed with the vault's own DEK. Write access to the database does not suffice to truncate the log unnoticed. */
export function createAuditLedger({ database, meta, keyring }: AuditLedgerParts): AuditLedger {
  return {
    async auditKey() {
      const stored = await meta.find('audit_key');
      if (stored !== undefined) return keyring.open(placeOf('audit_key'), stored);
      const key = randomBytes(KEY_BYTES);
      await database.commit(meta.insert('audit_key', keyring.seal(placeOf('audit_key'), key)));
      return key;
    },
    async saveCheckpoint(checkpoint) {
      await meta.save('audit_checkpoint', keyring.seal(placeOf('audit_checkpoint'), JSON.stringify(checkpoint)));
    },
    async lastCheckpoint() {
      const stored = await meta.find('audit_checkpoint');
      if (stored === undefined) return undefined;
      return JSON.parse(keyring.open(placeOf('audit_checkpoint'), stored).toString('utf8')) as AuditCheckpoint;
    },
  };
}
