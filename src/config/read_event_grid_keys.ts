import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import { readSecretLines } from './read_secrets_file.ts';

/** Characters that need no escape in a query. */
const KEY = /^[A-Za-z0-9._~-]{16,256}$/;

const FORM = '16 to 256 letters, digits and . _ ~ -, such as "$(openssl rand -hex 32)"';

/** Keys of the requests of Azure Event Grid, one per line of the file. FIELD_INVALID, which never quotes the file. */
export function readEventGridKeys(path: string): {
  readonly keys: readonly Secret[];
  readonly warnings: readonly string[];
} {
  const faultOf = (line: string) => (KEY.test(line) ? undefined : 'is not a valid key');
  const read = readSecretLines(path, { form: FORM, faultOf });
  if (read.fault !== undefined) throw fieldInvalid('TOKENVAULT_EVENT_GRID_KEY_FILE', read.fault);
  return { keys: read.secrets, warnings: read.warnings };
}
