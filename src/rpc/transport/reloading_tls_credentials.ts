import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { startTlsReload, type TlsReload } from '../../listeners/tls_file_reload.ts';
import { SECOND } from '../../model/clock.ts';

export interface TlsCredentials extends TlsReload {
  readonly credentials: ServerCredentials;
}

/**
 * Server credentials of grpc-js from files that may be renewed. Open connections keep the certificate they began with.
 */
export async function loadTlsCredentials(
  parts: Omit<Parameters<typeof startTlsReload>[0], 'use'>,
): Promise<TlsCredentials> {
  const credentials = new ReloadingCredentials(parts.files.clientCaFile !== undefined);
  const reload = await startTlsReload({
    ...parts,
    use: (material) => credentials.replace({ ...material, minVersion: 'TLSv1.2' }),
  });
  return { credentials, ...reload };
}

/**
 * The file watcher of grpc-js drops connections while it reloads; here a new context replaces the old one in one step.
 */
class ReloadingCredentials extends ServerCredentials {
  constructor(requestsClientCertificate: boolean) {
    super({
      requestCert: requestsClientCertificate,
      rejectUnauthorized: requestsClientCertificate,
      handshakeTimeout: 5 * SECOND,
    });
  }

  replace(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
