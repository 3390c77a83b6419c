import { isVaultError } from './errors.ts';
import { isExternalIdTaken } from './external_id_taken_error.ts';

/** Repeats work that reads a row and then writes it, if another writer created or changed the row in between. */
export async function retryOnConflict<Result>(
  attempts: number,
  work: (attempt: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const isConflict = isVaultError(error, 'ETAG_MISMATCH', 'CONNECTION_EXISTS') && !isExternalIdTaken(error);
      if (attempt === attempts || !isConflict) throw error;
    }
  }
}
