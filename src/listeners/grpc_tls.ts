import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { type Duration, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';

export interface TlsFiles {
  /** PEM: the leaf first, then its chain. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Of the clients' certificates; given: a client must present one. */
  readonly clientCaFile?: string | undefined;
}

export interface TlsCredentials {
  readonly credentials: ServerCredentials;
  /** Looks at the files now; false: they are unchanged, or not usable and the last good ones stay. */
  reload(): Promise<boolean>;
  close(): void;
}

export interface TlsParts {
  readonly files: TlsFiles;
  /** A file changed, but cannot be used; the last good ones stay. Told once a change. */
  readonly onRefused?: ((error: VaultError) => void) | undefined;
  readonly onReloaded?: (() => void) | undefined;
  readonly interval?: Duration | undefined;
}

/**
 * TLS from files that are renewed while the vault runs. They are polled, since a Kubernetes secret is swapped by a
 * symbolic link, which file watchers miss. New connections get the new certificate, open ones stay as they are.
 * Throws FIELD_INVALID where the files cannot be used at the start.
 */
export async function loadTlsCredentials(parts: TlsParts): Promise<TlsCredentials> {
  const { files, onRefused, onReloaded } = parts;
  let seen = await stampOf(files);
  const credentials = new ReloadingCredentials(await readContext(files), files.clientCaFile !== undefined);
  let loading: Promise<boolean> | undefined;

  async function load(): Promise<boolean> {
    const stamp = await stampOf(files);
    if (stamp === seen) return false;
    seen = stamp;
    try {
      credentials.replace(await readContext(files));
      onReloaded?.();
      return true;
    } catch (error) {
      if (error instanceof VaultError) onRefused?.(error);
      return false;
    }
  }

  function reload(): Promise<boolean> {
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  const timer = setInterval(reload, parts.interval ?? 10 * SECOND);
  timer.unref();
  return { credentials, reload, close: () => clearInterval(timer) };
}

/**
 * A class, since grpc-js wants one. Its own file watcher drops connections while it reloads; here a new context
 * replaces the old one in one step.
 */
class ReloadingCredentials extends ServerCredentials {
  constructor(context: SecureContextOptions, clientCertificates: boolean) {
    super(
      { requestCert: clientCertificates, rejectUnauthorized: clientCertificates, handshakeTimeout: 5 * SECOND },
      context,
    );
  }

  replace(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

async function readContext(files: TlsFiles): Promise<SecureContextOptions> {
  const [cert, key, ca] = await Promise.all([
    read(files.certFile),
    read(files.keyFile),
    files.clientCaFile === undefined ? undefined : read(files.clientCaFile),
  ]);
  const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) };
  try {
    // Halfway through a renewal one file is new and the other old.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key is another one');
    createSecureContext(context);
  } catch (cause) {
    throw new VaultError(
      'FIELD_INVALID',
      `The TLS key ${files.keyFile} and the certificate ${files.certFile} cannot be used together; write both anew, in PEM`,
      { metadata: { field: 'tls' }, cause },
    );
  }
  return context;
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((cause) => {
    throw new VaultError('FIELD_INVALID', `The TLS file ${file} cannot be read; check that it exists and who may`, {
      metadata: { field: 'tls', file },
      cause,
    });
  });
}

async function stampOf(files: TlsFiles): Promise<string> {
  const names = [files.certFile, files.keyFile, files.clientCaFile].filter((name) => name !== undefined);
  const stats = await Promise.all(names.map((name) => stat(name, { bigint: true }).catch(() => undefined)));
  return stats.map((found) => `${found?.ino} ${found?.size} ${found?.mtimeNs}`).join('|');
}
