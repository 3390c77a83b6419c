import { stat } from 'node:fs/promises';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { readTlsPair, type TlsFiles, type TlsPair } from './tls_pair.ts';

export interface TlsRenewal {
  /** Looks at the files now. */
  look(): Promise<void>;
  close(): void;
}

/**
 * Hands over the pair of the files now, and again whenever they were renewed. They are polled, since a Kubernetes
 * secret is swapped by a symbolic link, which file watchers miss. Files that cannot be used are told once a change,
 * and tried again. Throws FIELD_INVALID where they cannot be used at the start.
 */
export async function startTlsRenewal(parts: {
  readonly files: TlsFiles;
  /** May throw; then the pair before goes on. */
  readonly use: (pair: TlsPair) => void;
  readonly log: Log;
  /** Default: 10 s. */
  readonly interval?: Duration | undefined;
}): Promise<TlsRenewal> {
  const { files, use, log } = parts;
  // The stamp comes before the pair: files that change in between are read again.
  let used = await stampOf(files);
  let refused: string | undefined;
  let looking: Promise<void> | undefined;
  use(await readTlsPair(files));

  async function read(): Promise<void> {
    const stamp = await stampOf(files);
    if (stamp === used) return;
    try {
      use(await readTlsPair(files));
      used = stamp;
      log.event('info', 'tls_reloaded', {});
    } catch (error) {
      if (stamp !== refused) log.event('error', 'warning', { topic: 'tls', message: refusal(error) });
      refused = stamp;
    }
  }

  function look(): Promise<void> {
    looking ??= read().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const timer = setInterval(look, parts.interval ?? 10 * SECOND);
  timer.unref();
  return { look, close: () => clearInterval(timer) };
}

function refusal(error: unknown): string {
  return isVaultError(error) ? error.message : 'The TLS files cannot be used; write both anew, in PEM';
}

async function stampOf({ certFile, keyFile }: TlsFiles): Promise<string> {
  const stats = await Promise.all(
    [certFile, keyFile].map((name) => stat(name, { bigint: true }).catch(() => undefined)),
  );
  return stats.map((found) => `${found?.ino} ${found?.size} ${found?.mtimeNs}`).join('|');
}
