import type { X509Certificate } from 'node:crypto';
import type { ClientCaFile, ClientTrust, ClientTrustSource } from '../model/client_trust.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { readClientCas } from './read_client_ca_file.ts';
import { oneFile, readOnce, type SettledFile, startFileReload } from './settled_file_reload.ts';

export interface ClientTrustReload extends ClientTrustSource {
  /** Why the newest content of a file is not in use; undefined: it is. */
  readonly fault: string | undefined;
  /** Reads the files now. New content is used after a second reading that is equal. */
  check(): Promise<void>;
  close(): void;
}

/** Reads the CA files of client certificates again when they change. Throws FIELD_INVALID if one is not usable at the start. */
export async function startClientTrustReload(
  files: readonly ClientCaFile[],
  parts: {
    readonly every: Every;
    readonly onLoaded: (file: ClientCaFile, cas: readonly X509Certificate[]) => void;
    readonly onRejected: (file: ClientCaFile, fault: string) => void;
  },
): Promise<ClientTrustReload> {
  const listeners = new Set<() => void>();
  const reloads = await Promise.all(
    files.map(async (file) => ({
      file,
      reload: await startFileReload(clientCaFile(file), {
        every: parts.every,
        onLoaded: (cas) => parts.onLoaded(file, cas),
        onRejected: (fault) => parts.onRejected(file, fault),
      }),
    })),
  );
  let current: ClientTrust;

  function combine(): void {
    current = new Map(reloads.map(({ file, reload }) => [file.namespace, reload.current]));
  }

  combine();
  for (const { reload } of reloads)
    reload.listen(() => {
      combine();
      for (const listener of listeners) listener();
    });
  return {
    get current() {
      return current;
    },
    get fault() {
      return reloads.map(({ reload }) => reload.fault).find((fault) => fault !== undefined);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async check() {
      await Promise.all(reloads.map(({ reload }) => reload.check()));
    },
    close() {
      for (const { reload } of reloads) reload.close();
    },
  };
}

/** FIELD_INVALID: the file is not usable. */
export async function readClientCaFile(file: ClientCaFile): Promise<readonly X509Certificate[]> {
  return readOnce(clientCaFile(file));
}

function clientCaFile({ file }: ClientCaFile): SettledFile<readonly X509Certificate[]> {
  return oneFile(file, 'client CA file', ({ text }) => readClientCas(text, file));
}
