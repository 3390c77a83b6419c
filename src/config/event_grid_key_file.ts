import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import type { FileVersion } from './read_file_version.ts';
import { parseSecretLines, readSecretsFile } from './read_secrets_file.ts';
import type { SettledFile } from './settled_file_reload.ts';

export interface EventGridKeys {
  readonly keys: readonly Secret[];
  /** Problems to log that do not prevent the start. */
  readonly warnings: readonly string[];
}

/** Characters that need no escape in a query. */
const KEY = /^[A-Za-z0-9._~-]{16,256}$/;

const FORM = '16 to 256 letters, digits and . _ ~ -, such as "$(openssl rand -hex 32)"';

/** Keys of the requests of Azure Event Grid, one per line of the file. Errors never quote the file. */
export function eventGridKeyFile(path: string): SettledFile<EventGridKeys> {
  return {
    path,
    what: 'Event Grid key file',
    async read() {
      const file = await readSecretsFile(path);
      return file && valid(file);
    },
    parse(file: FileVersion) {
      const faultOf = (line: string) => (KEY.test(line) ? undefined : 'is not a valid key');
      const { secrets: keys, warnings } = valid(parseSecretLines(file, path, { form: FORM, faultOf }));
      return { keys, warnings };
    },
  };
}

function valid<Read extends object>(read: Read | { readonly fault: string }): Read {
  if ('fault' in read && typeof read.fault === 'string')
    throw fieldInvalid('TOKENVAULT_EVENT_GRID_KEY_FILE', read.fault);
  return read as Read;
}
