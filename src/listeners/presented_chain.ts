import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

const ISSUER = Symbol('issuer of the peer certificate');
const MAX_PRESENTED = 16;

type PresentingSocket = Pick<TLSSocket, 'getPeerCertificate'> & {
  [ISSUER]?: DetailedPeerCertificate | undefined;
};

/**
 * The `ALPNCallback` of a server that reads chains. Node 24.21 and 26.8 lose the CA certificates of a client when its
 * handshake completes (https://github.com/nodejs/node/issues/65579), so they are read before that. This callback is the
 * only place that has the socket by then. Clients without ALPN, which do not speak gRPC, present no chain.
 */
export function keepChain(this: unknown, { protocols }: { readonly protocols: readonly string[] }): string | undefined {
  if (this instanceof Object && 'prependOnceListener' in this) {
    const socket = this as PresentingSocket & Pick<TLSSocket, 'prependOnceListener'>;
    socket.prependOnceListener('secure', () => {
      socket[ISSUER] = socket.getPeerCertificate(true).issuerCertificate;
    });
  }
  return protocols.includes('h2') ? 'h2' : undefined;
}

/** The CA certificates that the client presents. They prove nothing. Called before other readings of its certificate. */
export function presentedChain(socket: PresentingSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current = socket[ISSUER] ?? socket.getPeerCertificate(true).issuerCertificate;
  while (current?.raw !== undefined && chain.length < MAX_PRESENTED) {
    chain.push(new X509Certificate(current.raw));
    // A self-signed certificate is its own issuer.
    if (current.issuerCertificate === current) break;
    current = current.issuerCertificate;
  }
  return chain;
}
