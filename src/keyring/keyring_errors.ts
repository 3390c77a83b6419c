import { VaultError } from '../model/errors.ts';
import type { CorruptCause } from './committing_aead.ts';
import type { Keks } from './root_key_source.ts';

/** Of a row or tenant, named `resource`. */
export function namesChanged(resource: string, cause: CorruptCause): VaultError {
  return new VaultError(
    'RECORD_CORRUPT',
    `The stored names of ${resource} were changed outside of the vault. Restore the row from a backup.`,
    { metadata: { resource }, cause: new Error(cause) },
  );
}

/** The root keys at hand are not that of a data key, or of the database; `what` is wrapped under it. */
export function kekMismatch(what: string, kekId: string, { current, previous }: Keks): VaultError {
  const currentKekId = current.id.toString('hex');
  const also = previous === undefined ? '' : ` and the previous ${previous.id.toString('hex')}`;
  return new VaultError(
    'RECORD_CORRUPT',
    `${what} wrapped under the root key ${kekId}, ` +
      `but the key source holds ${currentKekId}${also}. ` +
      'Set TOKENVAULT_KEY_SOURCE to the key of this database. Nothing was changed.',
    { metadata: { kekId, currentKekId }, cause: new Error('kek_unknown' satisfies CorruptCause) },
  );
}
