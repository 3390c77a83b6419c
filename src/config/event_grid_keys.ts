import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import { MOST_SECRETS, readSecretLines, type SecretLines } from './secret_lines.ts';

const FIELD = 'TOKENVAULT_EVENT_GRID_KEY_FILE';
/** Characters that a query takes as they are. */
const KEY = /^[A-Za-z0-9._~-]{16,256}$/;

export interface EventGridKeys {
  readonly keys: readonly Secret[];
  /** For the log. */
  readonly warnings: readonly string[];
}

/** FIELD_INVALID, which never quotes the file. */
export function readEventGridKeys(path: string): EventGridKeys {
  const read = readSecretLines(path, (line) => KEY.test(line));
  if (read.fault !== undefined) throw fieldInvalid(FIELD, faultOf(read.fault, path));
  return {
    keys: read.secrets,
    warnings: read.open ? [`${path}: others on this machine can read it; chmod 0400`] : [],
  };
}

function faultOf(fault: NonNullable<SecretLines['fault']>, path: string): string {
  switch (fault) {
    case 'unreadable':
      return `${path} cannot be read; check that it exists and who may`;
    case 'no_small_file':
      return `${path} must be a file of at most 4 KB`;
    case 'none_or_too_many':
      return `must hold one key a line, at most ${MOST_SECRETS}`;
    default:
      return `must hold keys of 16 to 256 letters, digits and . _ ~ -, such as "$(openssl rand -hex 32)"; the ${fault}. is none`;
  }
}
