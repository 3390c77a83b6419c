import { z } from 'zod';
import type { Caller, KnownCredentials, Rule } from '../model/authenticated_caller.ts';
import { isDnsName } from '../model/dns_name.ts';
import type { TokenIssuer } from '../model/token_issuer.ts';
import { spiffeId, subjectOf, token, tokenFaults } from './callers_file_tokens.ts';
import { duplicates, resourceId } from './read_yaml_file.ts';

export const time = z.iso.datetime({ offset: true, error: 'must be given, as a time such as 2027-01-31T00:00:00Z' });

const key = z.strictObject({
  id: resourceId,
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the API key, 64 hex digits'),
  expire_time: time,
});

const dnsName = z.string().refine(isDnsName, 'must be a full host name in lower case, without a wildcard');

const certificate = z
  .strictObject({ id: resourceId, spiffe_id: spiffeId.optional(), dns_name: dnsName.optional() })
  .transform(({ id, spiffe_id, dns_name }, context) => {
    const subject = spiffe_id ?? dns_name;
    if (subject !== undefined && (spiffe_id === undefined || dns_name === undefined)) return { id, subject };
    context.addIssue('must have either spiffe_id or dns_name');
    return z.NEVER;
  });

/** The fields of a caller with its credentials. */
export const credentialFields = {
  api_keys: z
    .array(key)
    .min(1, 'must have a key')
    .max(2, 'may have two keys: the current one and its successor')
    .default([]),
  certificates: z
    .array(certificate)
    .min(1, 'must have a certificate')
    .max(16, 'may have at most 16 certificates')
    .default([]),
  tokens: z.array(token).min(1, 'must have a token').max(16, 'may have at most 16 tokens').default([]),
};

interface WrittenCredentials {
  readonly api_keys: readonly z.infer<typeof key>[];
  readonly certificates: readonly z.infer<typeof certificate>[];
  readonly tokens: readonly z.infer<typeof token>[];
}

export function hasCredentials({ api_keys, certificates, tokens }: WrittenCredentials): boolean {
  return api_keys.length + certificates.length + tokens.length > 0;
}

/** A credential belongs to one caller, and has an id of its own there. */
export function credentialFaults(
  callers: readonly (WrittenCredentials & { readonly id: string })[],
  issuers: readonly TokenIssuer[],
): string[] {
  const hashes = callers.flatMap(({ api_keys }) => api_keys.map(({ sha256 }) => sha256.toLowerCase()));
  const subjects = callers.flatMap(({ certificates }) => certificates.map(({ subject }) => subject));
  return [
    ...duplicates('sha256', hashes),
    ...duplicates('certificate', subjects),
    ...tokenFaults(callers, issuers),
    ...callers.flatMap(({ id, api_keys, certificates, tokens }) => {
      const ids = [...api_keys, ...certificates, ...tokens].map((credential) => credential.id);
      return duplicates(`credential id of ${id}`, ids);
    }),
  ];
}

/** `rules`: of the caller `id`. */
export function toKnownCredentials(
  id: string,
  { api_keys, certificates, tokens }: WrittenCredentials,
  rules: readonly Rule[],
): KnownCredentials {
  const about = (kind: Caller['kind'], credentialId: string) => ({ id, kind, credentialId, rules });
  return {
    keys: api_keys.map((one) => ({
      sha256: one.sha256.toLowerCase(),
      caller: { ...about('api_key', one.id), expireTime: Date.parse(one.expire_time) },
    })),
    certificates: certificates.map((one) => ({
      subject: one.subject,
      caller: { ...about('certificate', one.id), expireTime: undefined },
    })),
    tokens: tokens.map((one) => ({
      issuerId: one.issuer,
      subject: subjectOf(one),
      caller: { ...about('token', one.id), expireTime: undefined },
    })),
  };
}
