import { type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { DAY } from '../clock.ts';

export interface ClientSecret {
  keyId: string;
  value: string;
  /** What Graph shows of it: the first three characters; null: nothing, as of old ones. */
  hint: string | null;
  displayName: string;
  startTime: number;
  endTime: number;
  /** Until then the secret works at every second try only: it has not reached all of Entra. */
  replicatedTime: number;
  tries: number;
}

export interface SecretInput {
  value?: string | undefined;
  /** Default: the first three characters of the value. */
  hint?: string | null | undefined;
  displayName?: string | undefined;
  /** Milliseconds since the epoch. */
  startTime?: number | undefined;
  endTime?: number | undefined;
  /** Milliseconds. */
  replicationDelay?: number | undefined;
}

export interface AppCertificate {
  keyId: string;
  thumbprint: string;
  thumbprintSha256: string;
  /** DER. */
  raw: Buffer;
  publicKey: KeyObject;
  startTime: number;
  endTime: number;
}

/** The portal's longest life of a secret. */
const LONGEST = 730 * DAY;

export function createSecret(input: SecretInput, now: number): ClientSecret {
  const value = input.value ?? makeSecretValue();
  return {
    keyId: randomUUID(),
    value,
    hint: input.hint === undefined ? value.slice(0, 3) : input.hint,
    displayName: input.displayName ?? 'secret',
    startTime: input.startTime ?? now,
    endTime: input.endTime ?? now + LONGEST,
    replicatedTime: now + (input.replicationDelay ?? 0),
    tries: 0,
  };
}

export type SecretVerdict = 'good' | 'wrong' | 'expired';

export function judgeSecret(secrets: ClientSecret[], presented: string, now: number): SecretVerdict {
  const secret = secrets.find((candidate) => candidate.value === presented);
  if (secret === undefined || secret.startTime > now) return 'wrong';
  if (secret.endTime <= now) return 'expired';
  if (secret.replicatedTime <= now) return 'good';
  secret.tries += 1;
  return secret.tries % 2 === 1 ? 'wrong' : 'good';
}

/** As Entra makes them: 40 characters, a `~` among them. */
function makeSecretValue(): string {
  return `${randomBytes(2).toString('hex').slice(0, 3)}8Q~${randomBytes(26).toString('base64url').slice(0, 34)}`;
}
