import { timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { fieldInvalid } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import { sentOnce } from './sent_once.ts';
import type { Visit } from './visit.ts';

/** A delivery property of the event subscription; names that begin with `aeg-` are Event Grid's own. */
const HEADER = 'tokenvault-event-grid-key';
const FIELD = 'TOKENVAULT_EVENT_GRID_KEY_FILE';
/** Characters that a query takes as they are. */
const KEY = /^[A-Za-z0-9._~-]{16,256}$/;
/** The present one and its successor, and some to spare. */
const MOST = 4;
const LARGEST_FILE = 4_096;

export interface EventGridKeys {
  readonly keys: readonly Secret[];
  /** For the log. */
  readonly warnings: readonly string[];
}

/** One a line: while a key is changed, both are taken. FIELD_INVALID, which never quotes the file. */
export function readEventGridKeys(path: string): EventGridKeys {
  const { text, open } = readKeyFile(path);
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0 || lines.length > MOST) throw fieldInvalid(FIELD, `must hold one key a line, at most ${MOST}`);
  const bad = lines.findIndex((line) => !KEY.test(line));
  if (bad >= 0) {
    throw fieldInvalid(
      FIELD,
      `must hold keys of 16 to 256 letters, digits and . _ ~ -, such as "$(openssl rand -hex 32)"; the ${bad + 1}. is none`,
    );
  }
  return {
    keys: lines.map((line) => new Secret(line)),
    warnings: open ? [`${path}: others on this machine can read it; chmod 0400`] : [],
  };
}

/** Whether one of the keys came along, as `?key=` or in the header. Hashes are compared, so that time tells nothing, not even a length. */
export function hasKey(keys: readonly Secret[]): (visit: Pick<Visit, 'query' | 'request'>) => boolean {
  const hashes = keys.map(hashOf);
  return ({ query, request }) => {
    const given = sentOnce(new URLSearchParams(query), ['key'])?.key ?? request.headers[HEADER];
    if (typeof given !== 'string') return false;
    const hash = hashOf(new Secret(given));
    return hashes.some((one) => timingSafeEqual(one, hash));
  };
}

function hashOf(key: Secret): Buffer {
  return Buffer.from(key.sha256(), 'hex');
}

function readKeyFile(path: string): { text: string; open: boolean } {
  let handle: number;
  try {
    // A pipe in this place would block the open for ever.
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    throw fieldInvalid(FIELD, `${path} cannot be read; check that it exists and who may`);
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > LARGEST_FILE) {
      throw fieldInvalid(FIELD, `${path} must be a file of at most ${LARGEST_FILE / 1_024} KB`);
    }
    return { text: readFileSync(handle, 'utf8'), open: (stat.mode & 0o044) !== 0 };
  } finally {
    closeSync(handle);
  }
}
