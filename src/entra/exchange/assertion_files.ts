import { constants } from 'node:fs';
import { open, readlink } from 'node:fs/promises';
import type { AllowedAssertionFiles, AssertionFile, AssertionFiles } from '../../model/assertion_files.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import { fieldInvalid, isVaultError, VaultError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { type AllowedPlace, findAllowed, resolveInside } from './allowed_assertion_file.ts';
import { createReadSlots } from './file_read_slots.ts';

/** A projected token has a few KiB. */
const LARGEST = 64 * 1024;
/** All files of the process share four threads, and a file system that hangs keeps one. */
const READS_AT_ONCE = 2;
const CHECK_TIMEOUT: Duration = 2 * SECOND;

export interface AssertionFilesParts {
  readonly allowed: readonly AllowedAssertionFiles[];
  /** Tokens by which this service itself signs in: never presented for an app, under whatever name. */
  readonly ownTokenFiles: readonly string[];
}

export function createAssertionFiles({ allowed, ownTokenFiles }: AssertionFilesParts): AssertionFiles {
  const slots = createReadSlots<Secret>(READS_AT_ONCE);

  function placeOf(file: AssertionFile): AllowedPlace {
    const place = findAllowed(allowed, file);
    if (place !== undefined) return place;
    const why = allowed.length === 0 ? 'is not set, so that none is allowed' : 'allows others';
    throw unfit(
      `apps of tenants/${file.tenantId} may not use this file: TOKENVAULT_FEDERATED_FILES ${why}. The operator of this service adds it there`,
    );
  }

  async function readNow(place: AllowedPlace, path: string): Promise<Secret> {
    const real = await resolveInside(place, path);
    if (real === undefined) throw unfit(LEADS_OUT);
    const read = await readRegular(real, constants.O_NOFOLLOW);
    // A part of the path may have become a link since it was resolved.
    if (read.path !== real) throw unfit(LEADS_OUT);
    for (const own of ownTokenFiles) {
      const known = await readRegular(own).catch(() => undefined);
      if (known !== undefined && (known.id === read.id || known.text === read.text)) throw unfit(IS_OWN);
    }
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(read.text)) throw new Error('not a JWT');
    return new Secret(read.text);
  }

  /** Kubernetes replaces the folder behind a link, perhaps at this moment. */
  async function readTwice(file: AssertionFile): Promise<Secret> {
    const place = placeOf(file);
    return readNow(place, file.path).catch((error) => {
      if (isVaultError(error) || error.code !== 'ENOENT') throw error;
      return readNow(place, file.path);
    });
  }

  return {
    async check(field, file) {
      try {
        await slots.run(keyOf(file), CHECK_TIMEOUT, () => readTwice(file));
      } catch (error) {
        // Not there yet, or not filled yet: the probe of the credential says so.
        if (isVaultError(error, 'FIELD_INVALID')) throw fieldInvalid(field, error.message);
      }
    },
    read: (file, timeout) => slots.run(keyOf(file), timeout, () => readTwice(file)),
  };
}

const LEADS_OUT = 'a link leads out of the folder that TOKENVAULT_FEDERATED_FILES allows';
const IS_OWN = 'this is the token by which this service itself signs in. Project a token of its own for the app';

function unfit(message: string): VaultError {
  return new VaultError('FIELD_INVALID', message);
}

function keyOf({ tenantId, path }: AssertionFile): string {
  return `${tenantId} ${path}`;
}

interface ReadFile {
  readonly text: string;
  /** Equal for hard links. */
  readonly id: string;
  /** Where it really lies, as the system says. */
  readonly path: string;
}

/** Opening a named pipe would wait for a writer without O_NONBLOCK. */
async function readRegular(path: string, flags = 0): Promise<ReadFile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags);
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) throw unfit('this is not a regular file');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LARGEST + 1), 0, LARGEST + 1, 0);
    if (bytesRead > LARGEST) throw unfit('this file has more than 64 KiB, so that it is no token');
    const opened = await readlink(`/proc/self/fd/${file.fd}`).catch(() => path);
    return {
      text: buffer.subarray(0, bytesRead).toString('utf8').trim(),
      id: `${stats.dev} ${stats.ino}`,
      path: opened.replace(/ \(deleted\)$/, ''),
    };
  } finally {
    await file.close();
  }
}
