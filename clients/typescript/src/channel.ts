import { readFile, stat } from 'node:fs/promises';
import { ChannelCredentials, type ChannelOptions, Client } from '@grpc/grpc-js';
import { TokenVaultError } from './token_vault_error.ts';
import { parseVaultAddress } from './vault_address.ts';
import type { TlsOptions, TokenVaultOptions } from './vault_options.ts';

/** The channel to the vault. With TLS files that have changed, a new channel replaces it; calls in progress finish. */
export interface Channel {
  client(): Promise<Client>;
  close(): void;
}

const OPTIONS: ChannelOptions = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  // An address that is gone without a word is noticed within 40 s.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A client comes back within 2 s after an outage.
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // This package retries by itself (RetryInfo).
  'grpc.enable_retries': 0,
};

export function createChannel({ address, tls, proxy = false }: TokenVaultOptions): Channel {
  const { target, isLoopback } = parseVaultAddress(address);
  const isPlaintext = isLoopback && tls === undefined;
  const files =
    tls === undefined ? [] : [tls.caFile, tls.certificateFile, tls.keyFile].filter((file) => file !== undefined);
  const options: ChannelOptions = {
    ...OPTIONS,
    'grpc.enable_http_proxy': proxy && !isLoopback ? 1 : 0,
    ...(tls?.serverName !== undefined && {
      'grpc.ssl_target_name_override': tls.serverName,
      'grpc.default_authority': tls.serverName,
    }),
  };
  if ((tls?.certificateFile === undefined) !== (tls?.keyFile === undefined))
    throw new TypeError('tls: Only one of certificateFile and keyFile is set. Set both, or neither.');
  let current: { readonly client: Client; readonly version: string } | undefined;
  let opening: Promise<Client> | undefined;
  let isClosed = false;

  async function open(): Promise<Client> {
    const version = await versionOf(files);
    if (current?.version === version) return current.client;
    const credentials = isPlaintext ? ChannelCredentials.createInsecure() : await readTls(tls);
    current?.client.close();
    current = { client: new Client(target, credentials, options), version };
    return current.client;
  }

  /** While files are replaced, key and certificate may not match. */
  function keepCurrent(cause: unknown): Client {
    if (current !== undefined) return current.client;
    throw new TokenVaultError(
      'tls: A file cannot be used. Check that each exists and is PEM, and that the key matches.',
      {
        code: 'UNAUTHENTICATED',
        reason: 'CREDENTIAL_FILE_UNREADABLE',
        whoActs: 'caller',
        cause,
      },
    );
  }

  return {
    async client() {
      if (isClosed) throw new Error('This TokenVault is closed. Create another one.');
      if (current !== undefined && files.length === 0) return current.client;
      opening ??= open()
        .catch(keepCurrent)
        .finally(() => {
          opening = undefined;
        });
      return opening;
    },
    close() {
      isClosed = true;
      current?.client.close();
    },
  };
}

/** Changes when a file is replaced. */
async function versionOf(files: readonly string[]): Promise<string> {
  const versions = await Promise.all(
    files.map(async (file) => {
      const { mtimeMs, ino, size } = await stat(file);
      return [mtimeMs, ino, size].join();
    }),
  );
  return versions.join(';');
}

async function readTls({ caFile, certificateFile, keyFile }: TlsOptions = {}): Promise<ChannelCredentials> {
  const read = async (file: string | undefined) => (file === undefined ? null : readFile(file));
  const [ca, key, certificate] = await Promise.all([caFile, keyFile, certificateFile].map(read));
  return ChannelCredentials.createSsl(ca, key, certificate);
}
