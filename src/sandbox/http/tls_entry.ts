import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import { makeAuthority } from '../certificate_authority.ts';
import { type HttpServer, startHttpServer } from './http_server.ts';

export interface TlsEntry extends HttpServer {
  /** PEM of the CA, for `NODE_EXTRA_CA_CERTS` and the like. */
  caFile: string;
}

const LIFETIME = 30 * 86_400_000;

/** The sandbox over TLS, with a CA of its own: clients of Graph send tokens over https only. */
export async function startTlsEntry({ host, port }: { host: string; port: number }): Promise<TlsEntry> {
  const until = Date.now() + LIFETIME;
  const authority = makeAuthority('Token Vault sandbox', { until });
  const names = [isIP(host) === 0 ? { dns: host } : { ip: host }, { dns: 'localhost' }];
  const { pem: cert, key } = authority.issue({ names, purposes: [id_kp_serverAuth], until });
  const server = await startHttpServer({ host, port, tls: { cert, key } });
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-ca-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.pem);
  return {
    ...server,
    caFile,
    async close() {
      rmSync(folder, { recursive: true, force: true });
      await server.close();
    },
  };
}
