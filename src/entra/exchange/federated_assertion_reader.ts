import { constants } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { readAtMost, withRegularFile } from '../../files/regular_file.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import { fieldInvalid, isVaultError, VaultError } from '../../model/errors.ts';
import type { AllowedAssertionFiles, AssertionFile, AssertionFiles } from '../../model/federated_assertion_files.ts';
import { Secret } from '../../model/secret.ts';
import { findAllowed, resolveInside } from './allowed_assertion_paths.ts';
import { createReadSlots } from './concurrent_file_read_limit.ts';

/** A projected token has a few KiB. */
const MAX_BYTES = 64 * 1024;
/** All file reads of the process share four threads, and a file system that hangs blocks one. */
const READS_AT_ONCE = 2;
const CHECK_TIMEOUT: Duration = 2 * SECOND;

export interface AssertionFilesParts {
  readonly allowed: readonly AllowedAssertionFiles[];
  /** Tokens with which this service itself signs in: never presented for an app, under any name. */
  readonly ownTokenFiles: readonly string[];
}

export function createAssertionFiles({ allowed, ownTokenFiles }: AssertionFilesParts): AssertionFiles {
  const slots = createReadSlots<Secret>(READS_AT_ONCE);

  async function readOnce(file: AssertionFile): Promise<Secret> {
    const entry = findAllowed(allowed, file);
    if (entry === undefined) throw notAllowed(file, allowed.length === 0);
    const real = await resolveInside(entry, file.path);
    if (real === undefined) throw invalid(LEADS_OUT);
    const read = await readRegular(real, constants.O_NOFOLLOW);
    // A part of the path may have become a link since it was resolved.
    if (read.path !== real) throw invalid(LEADS_OUT);
    for (const own of ownTokenFiles) {
      const known = await readRegular(own).catch(() => undefined);
      if (known !== undefined && (known.id === read.id || known.text === read.text)) throw invalid(IS_OWN);
    }
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(read.text)) throw new Error('not a JWT');
    return new Secret(read.text);
  }

  function read(file: AssertionFile, timeout: Duration): Promise<Secret> {
    return slots.run(`${file.tenantId} ${file.path}`, timeout, () =>
      readOnce(file).catch((error) => {
        // Kubernetes may just have replaced the folder behind a link.
        if (isVaultError(error) || error.code !== 'ENOENT') throw error;
        return readOnce(file);
      }),
    );
  }

  return {
    async check(field, file) {
      try {
        await read(file, CHECK_TIMEOUT);
      } catch (error) {
        // A missing or empty file is reported by the probe of the credential.
        if (isVaultError(error, 'FIELD_INVALID')) throw fieldInvalid(field, error.message);
      }
    },
    read,
  };
}

const LEADS_OUT = 'a link leads out of the folder that TOKENVAULT_FEDERATED_FILES allows';
const IS_OWN = 'this is the token by which this service itself signs in. Project a separate token for the app';

function notAllowed({ tenantId }: AssertionFile, isUnset: boolean): VaultError {
  const why = isUnset ? 'is not set' : 'does not include it';
  return invalid(
    `apps of tenants/${tenantId} may not use this file: TOKENVAULT_FEDERATED_FILES ${why}. The operator can add it`,
  );
}

function invalid(message: string): VaultError {
  return new VaultError('FIELD_INVALID', message);
}

interface ReadFile {
  readonly text: string;
  /** Equal for hard links. */
  readonly id: string;
  /** The real path, from the system. */
  readonly path: string;
}

function readRegular(path: string, flags = 0): Promise<ReadFile> {
  const notRegular = () => invalid('this is not a regular file');
  return withRegularFile(path, { flags, notRegular }, async (file) => {
    const bytes = await readAtMost(file, MAX_BYTES);
    if (bytes === undefined) throw invalid('this file has more than 64 KiB, so it is not a token');
    const { dev, ino } = await file.stat({ bigint: true });
    const opened = await readlink(`/proc/self/fd/${file.fd}`).catch(() => path);
    return {
      text: bytes.toString('utf8').trim(),
      id: `${dev} ${ino}`,
      path: opened.replace(/ \(deleted\)$/, ''),
    };
  });
}
