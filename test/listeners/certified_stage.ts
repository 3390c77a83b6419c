import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelCredentials } from '@grpc/grpc-js';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import {
  type KnownCallers,
  type KnownCertificate,
  type KnownKey,
  roleRule,
} from '../../src/model/authenticated_caller.ts';
import type { ClientTrust, ClientTrustSource } from '../../src/model/client_trust.ts';
import { type Issued, makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { type Stage, type StageOptions, startStage } from '../rpc/stage.ts';

export interface CertifiedStage extends Stage {
  /** Of a client with this certificate, that trusts the stage. */
  credentials(certificate?: Issued): ChannelCredentials;
  /** PEM of the CA that signed the certificate of the stage. */
  readonly serverCa: string;
  trust(next: Readonly<Record<string, readonly Issued[]>>): void;
  replaceCallers(...certificates: readonly KnownCertificate[]): void;
}

const serverAuthority = makeAuthority('server CA');
const server = serverAuthority.issue({ names: [{ ip: '127.0.0.1' }], purposes: [id_kp_serverAuth] });

/** A caller that may get tokens of acme. */
export function certified(id: string, subject: string): KnownCertificate {
  const rules = [roleRule(`${id}-rule`, 'token_reader', ['acme'])];
  return { subject, caller: { id, kind: 'certificate', credentialId: 'c1', expireTime: undefined, rules } };
}

/** A stage with TLS on a real socket, whose CAs and callers a test replaces. */
export async function startCertifiedStage({
  cas,
  certificates,
  keys = [],
  clientTrust,
  ...options
}: StageOptions & {
  /** Of client certificates, by namespace. */
  readonly cas: Readonly<Record<string, readonly Issued[]>>;
  readonly certificates: readonly KnownCertificate[];
  readonly keys?: readonly KnownKey[];
  /** In place of `cas`. */
  readonly clientTrust?: ClientTrustSource;
}): Promise<CertifiedStage> {
  const callersOf = (next: readonly KnownCertificate[]): KnownCallers => ({
    keys,
    certificates: next,
    tokens: [],
    issuers: [],
    sha256: '',
  });
  const folder = mkdtempSync(join(tmpdir(), 'vault-mtls-'));
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  writeFileSync(tls.certFile, server.pem);
  writeFileSync(tls.keyFile, server.key);
  const trust = replaceable<ClientTrust>(toTrust(cas));
  const callers = replaceable(callersOf(certificates));
  const stage = await startStage({
    ...options,
    callers,
    server: { ...options.server, tls, clientTrust: clientTrust ?? trust },
  });
  return {
    ...stage,
    serverCa: serverAuthority.pem,
    credentials: (certificate) =>
      ChannelCredentials.createSsl(
        Buffer.from(serverAuthority.pem),
        certificate && Buffer.from(certificate.key),
        certificate && Buffer.from(certificate.chain),
      ),
    trust: (next) => trust.replace(toTrust(next)),
    replaceCallers: (...next) => callers.replace(callersOf(next)),
    async close() {
      await stage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function toTrust(cas: Readonly<Record<string, readonly Issued[]>>): ClientTrust {
  const parsed = Object.entries(cas).map(
    ([namespace, all]) => [namespace, all.map(({ pem }) => new X509Certificate(pem))] as const,
  );
  return new Map(parsed);
}

function replaceable<Value>(first: Value) {
  const listeners = new Set<() => void>();
  let current = first;
  return {
    get current() {
      return current;
    },
    listen(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace(next: Value) {
      current = next;
      for (const listener of listeners) listener();
    },
  };
}
