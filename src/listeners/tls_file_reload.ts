import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Log } from '../telemetry/log_events.ts';

export interface TlsFiles {
  /** PEM: the leaf certificate first, then its chain. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** Contents of the files, as `createSecureContext` accepts them. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

export interface TlsReload {
  /** Reads the files now if they changed. True: the new contents are in use. */
  check(): Promise<boolean>;
  /** Why the present files are not in use; undefined: they are. */
  readonly fault: string | undefined;
  close(): void;
}

/**
 * Passes the contents of the TLS files to `use`, now and after each change. The files are polled, because Kubernetes
 * swaps a secret by a symbolic link, which file watchers miss. Files that are not usable are logged once per change and
 * read again at each poll; the last usable contents stay in use. Throws FIELD_INVALID if they are not usable at the
 * start.
 */
export async function startTlsReload(parts: {
  readonly files: TlsFiles;
  readonly use: (material: TlsMaterial) => void;
  readonly log: Log;
  /** Default: 10 s. */
  readonly interval?: Duration | undefined;
}): Promise<TlsReload> {
  const { files, use, log } = parts;
  // The stamp is taken before the contents: files that change in between are read again.
  let used = await stampOf(files);
  let rejected: string | undefined;
  let fault: string | undefined;
  use(await readTlsFiles(files));

  const check = runOnceAtATime(async () => {
    const stamp = await stampOf(files);
    if (stamp === used) {
      fault = undefined;
      return false;
    }
    try {
      use(await readTlsFiles(files));
      used = stamp;
      fault = undefined;
      log.event('info', 'tls_reloaded', {});
      return true;
    } catch (error) {
      const message = isVaultError(error) ? error.message : 'The TLS files are not usable. Write them again, in PEM.';
      if (stamp !== rejected) log.event('error', 'tls_files_rejected', { message });
      rejected = stamp;
      fault = message;
      return false;
    }
  });

  const timer = setInterval(check, parts.interval ?? 10 * SECOND).unref();
  return {
    check,
    get fault() {
      return fault;
    },
    close: () => clearInterval(timer),
  };
}

/** FIELD_INVALID if they are not usable. */
export async function readTlsFiles({ certFile, keyFile }: TlsFiles): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([read(certFile), read(keyFile)]);
  const material = { cert, key };
  try {
    // During a renewal, one file may be new and the other old or empty. A TLS server accepts an empty file.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key does not match');
    createSecureContext(material);
  } catch (cause) {
    throw new VaultError(
      'FIELD_INVALID',
      `The TLS certificate ${certFile} and the key ${keyFile} do not match, or are not valid PEM. Write both files again.`,
      { metadata: { field: 'tls' }, cause },
    );
  }
  return material;
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause) => {
    throw new VaultError(
      'FIELD_INVALID',
      `Cannot read the TLS file ${file}. Check that it exists and its permissions.`,
      {
        metadata: { field: 'tls', file },
        cause,
      },
    );
  });
}

async function stampOf({ certFile, keyFile }: TlsFiles): Promise<string> {
  const stats = await Promise.all(
    [certFile, keyFile].map((name) => stat(name, { bigint: true }).catch(() => undefined)),
  );
  return stats.map((found) => `${found?.ino} ${found?.size} ${found?.mtimeNs}`).join('|');
}
