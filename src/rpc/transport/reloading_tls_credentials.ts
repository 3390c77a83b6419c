import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { keepChain } from '../../listeners/presented_chain.ts';
import { startTlsReload, type TlsMaterial, type TlsReload } from '../../listeners/tls_file_reload.ts';
import type { ClientTrustSource } from '../../model/client_trust.ts';
import { SECOND } from '../../model/clock.ts';

export interface TlsCredentials extends TlsReload {
  readonly credentials: ServerCredentials;
}

/**
 * Server credentials of grpc-js from files that may be renewed. Open connections keep the certificate they began with.
 * With `clientTrust`, clients are requested to present a certificate.
 */
export async function loadTlsCredentials({
  clientTrust,
  ...parts
}: Omit<Parameters<typeof startTlsReload>[0], 'use'> & {
  readonly clientTrust?: ClientTrustSource | undefined;
}): Promise<TlsCredentials> {
  const credentials = new ReloadingCredentials(clientTrust !== undefined);
  let used: TlsMaterial;

  function use(material: TlsMaterial): void {
    used = material;
    credentials.replace({ ...material, ...(clientTrust && verificationBy(clientTrust)), minVersion: 'TLSv1.2' });
  }

  const reload = await startTlsReload({ ...parts, use });
  const stopListening = clientTrust?.listen(() => use(used));
  return {
    credentials,
    check: reload.check,
    get fault() {
      return reload.fault;
    },
    close() {
      stopListening?.();
      reload.close();
    },
  };
}

/** A resumed session would keep the verification of an earlier one, so each connection has a full handshake. */
function verificationBy({ current }: ClientTrustSource): SecureContextOptions {
  const ca = [...current.values()].flat().map(String);
  return { ca, secureOptions: constants.SSL_OP_NO_TICKET };
}

/**
 * The file watcher of grpc-js drops connections while it reloads; here a new context replaces the old one in one step.
 * A handshake with an untrusted client certificate completes, so that its calls are answered and audited.
 */
class ReloadingCredentials extends ServerCredentials {
  constructor(requestsClientCertificate: boolean) {
    super({
      requestCert: requestsClientCertificate,
      rejectUnauthorized: false,
      ...(requestsClientCertificate && { ALPNCallback: keepChain }),
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
