import type { X509Certificate } from 'node:crypto';
import type { ClientCertificate } from './client_certificate.ts';
import { parseSpiffeId } from './spiffe_id.ts';

/** A file with CA certificates, and the names that they may sign. */
export interface ClientCaFile {
  /** `spiffe://acme.example`: SPIFFE ids of this trust domain; `dns`: DNS names. */
  readonly namespace: string;
  readonly file: string;
}

/** The CAs of client certificates, by namespace. */
export type ClientTrust = ReadonlyMap<string, readonly X509Certificate[]>;

/** The CAs in use, which a change of their files replaces. */
export interface ClientTrustSource {
  readonly current: ClientTrust;
  /** Calls `listener` after `current` was replaced. Returns the function that stops it. */
  listen(listener: () => void): () => void;
}

export const DNS_NAMESPACE = 'dns';

/** The namespace of a SPIFFE id or a DNS name. */
export function namespaceOf(subject: string): string {
  const id = parseSpiffeId(subject);
  return id === undefined ? DNS_NAMESPACE : `spiffe://${id.trustDomain}`;
}

/** Whether the CA that the certificate was verified with may still sign its name. */
export function isTrusted(trust: ClientTrust, { subject, authority }: ClientCertificate): boolean {
  const authorities = trust.get(namespaceOf(subject)) ?? [];
  return authorities.some(({ fingerprint256 }) => fingerprint256 === authority);
}
