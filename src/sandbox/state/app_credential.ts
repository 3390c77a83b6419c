import { createHash, type KeyObject, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { DAY } from '../movable_clock.ts';

/** Times are milliseconds since the Unix epoch; the delay is in milliseconds. */
export const secretInput = z.strictObject({
  value: z.string().min(1).optional(),
  /** Default: the first three characters of the value. */
  hint: z.string().nullable().optional(),
  displayName: z.string().min(1).optional(),
  startTime: z.number().optional(),
  endTime: z.number().optional(),
  replicationDelay: z.number().optional(),
});
export type SecretInput = z.input<typeof secretInput>;

interface ReplicatedCredential {
  /** Before this time every second use fails: the credential has not reached all of Entra. */
  replicatedTime: number;
  uses: number;
}

export interface ClientSecret extends ReplicatedCredential {
  keyId: string;
  value: string;
  /** Graph shows it: the first three characters; null for old secrets. */
  hint: string | null;
  displayName: string;
  startTime: number;
  endTime: number;
}

/** The longest lifetime that the portal offers for a secret. */
const MAX_LIFETIME = 730 * DAY;

export function createSecret(input: SecretInput, now: number): ClientSecret {
  const value = input.value ?? generateSecretValue();
  return {
    keyId: randomUUID(),
    value,
    hint: input.hint === undefined ? value.slice(0, 3) : input.hint,
    displayName: input.displayName ?? 'secret',
    startTime: input.startTime ?? now,
    endTime: input.endTime ?? now + MAX_LIFETIME,
    replicatedTime: now + (input.replicationDelay ?? 0),
    uses: 0,
  };
}

export function checkSecret(secrets: ClientSecret[], presented: string, now: number): 'valid' | 'wrong' | 'expired' {
  const secret = secrets.find((candidate) => candidate.value === presented);
  if (secret === undefined || secret.startTime > now) return 'wrong';
  if (secret.endTime <= now) return 'expired';
  return reaches(secret, now) ? 'valid' : 'wrong';
}

/** Whether the server that handles this use knows the credential. */
export function reaches(credential: ReplicatedCredential, now: number): boolean {
  if (credential.replicatedTime <= now) return true;
  credential.uses += 1;
  return credential.uses % 2 === 0;
}

/** The form of Entra's secrets: 40 characters with a `~` among them. */
function generateSecretValue(): string {
  return `${randomBytes(2).toString('hex').slice(0, 3)}8Q~${randomBytes(26).toString('base64url').slice(0, 34)}`;
}

export interface AppCertificate extends ReplicatedCredential {
  keyId: string;
  /** The subject of the certificate, by default. */
  displayName: string;
  /** Base64url, as in the JWT header `x5t`. */
  thumbprint: string;
  /** Base64url, as in the JWT header `x5t#S256`. */
  thumbprintSha256: string;
  /** DER. */
  raw: Buffer;
  publicKey: KeyObject;
  startTime: number;
  endTime: number;
}

/** `encoded`: PEM or DER. */
export function readCertificate(encoded: string | Buffer, replicatedTime = 0): AppCertificate {
  const certificate = new X509Certificate(encoded);
  return {
    keyId: randomUUID(),
    displayName: certificate.subject,
    thumbprint: createHash('sha1').update(certificate.raw).digest('base64url'),
    thumbprintSha256: createHash('sha256').update(certificate.raw).digest('base64url'),
    raw: certificate.raw,
    publicKey: certificate.publicKey,
    startTime: Date.parse(certificate.validFrom),
    endTime: Date.parse(certificate.validTo),
    replicatedTime,
    uses: 0,
  };
}

export const federatedCredentialInput = z.strictObject({
  issuer: z.string().min(1),
  subject: z.string().min(1),
  audience: z.string().min(1).default('api://AzureADTokenExchange'),
  /** PEM (SPKI). Without a key the signature of an assertion is not checked. */
  publicKey: z.string().min(1).optional(),
});
export type FederatedCredentialInput = z.input<typeof federatedCredentialInput>;
export type FederatedCredential = z.output<typeof federatedCredentialInput>;
