import { VaultError } from '../model/errors.ts';
import { type Keyring, type Place, VAULT } from './keyring.ts';

/** The place of a sealed value in the table `meta`. */
export function metaPlace(key: string): Place {
  return { ...VAULT, recordType: 'meta', recordUid: key, column: 'value' };
}

const PLACE = metaPlace('canary');
const CANARY_PLAINTEXT = 'tokenvault canary';

/** A record that proves, at the start and in readiness checks, that these keys belong to this database. */
export function sealCanary(keyring: Keyring): Buffer {
  return keyring.seal(PLACE, CANARY_PLAINTEXT);
}

/** Fails with RECORD_CORRUPT. */
export function checkCanary(keyring: Keyring, sealed: Uint8Array): void {
  if (keyring.open(PLACE, sealed).toString('utf8') === CANARY_PLAINTEXT) return;
  throw new VaultError(
    'RECORD_CORRUPT',
    'The canary record opens, but another program wrote it. Check that this is the right database.',
  );
}
