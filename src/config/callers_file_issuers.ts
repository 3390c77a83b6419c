import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { GUID } from '../model/id_patterns.ts';
import { isTrustDomain } from '../model/spiffe_id.ts';
import {
  ENTRA_ISSUER_CLOUDS,
  entraJwksUrl,
  issuerNames,
  type JwksLocation,
  TOKEN_ALGORITHMS,
  type TokenIssuer,
} from '../model/token_issuer.ts';
import { outgoingUrlFault } from './outgoing_url.ts';
import { duplicates, resourceId } from './read_yaml_file.ts';

const path = z.string().refine((text) => isAbsolute(text), 'must be an absolute path');

const url = z.string().superRefine((text, context) => {
  const fault = outgoingUrlFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

const jwks = z
  .strictObject({ url: url.optional(), ca_file: path.optional(), token_file: path.optional(), file: path.optional() })
  .transform((written, context): JwksLocation => {
    const { file, url: address, ca_file: caFile, token_file: tokenFile } = written;
    if (file !== undefined && address === undefined && caFile === undefined && tokenFile === undefined) return { file };
    if (file === undefined && address !== undefined) return { url: address, caFile, tokenFile };
    context.addIssue('must have either file, or url with ca_file and token_file as needed');
    return z.NEVER;
  });

/** Compared with `iss` as it is. */
const issuerUrl = z
  .string()
  .max(256)
  .regex(/^https:\/\/[\x21-\x7e]+$/, 'must be the https URL that the tokens have as iss');

const algorithms = z
  .array(z.enum(TOKEN_ALGORITHMS, `must be one of ${TOKEN_ALGORITHMS.join(', ')}`))
  .min(1, 'must name the algorithm that the issuer signs with, such as RS256');

const common = {
  id: resourceId,
  audiences: z
    .array(z.string().min(1).max(256))
    .min(1, 'must name the audience that tokens for the vault have')
    .max(8, 'may have at most 8 audiences'),
};

const kubernetes = z.strictObject({ ...common, kind: z.literal('kubernetes'), issuer: issuerUrl, algorithms, jwks });

/** Entra signs with RS256, and its addresses are known. */
const entra = z
  .strictObject({
    ...common,
    kind: z.literal('entra'),
    directory_id: z
      .string()
      .regex(GUID, 'must be the id of a directory, a GUID')
      .transform((id) => id.toLowerCase()),
    cloud: z.enum(ENTRA_ISSUER_CLOUDS, `must be one of ${ENTRA_ISSUER_CLOUDS.join(', ')}`).default('GLOBAL'),
    algorithms: algorithms.default(['RS256']),
    jwks: jwks.optional(),
  })
  .transform(({ directory_id: directoryId, jwks: location, ...rest }) => {
    const url = entraJwksUrl({ cloud: rest.cloud, directoryId });
    return { ...rest, directoryId, jwks: location ?? { url, caFile: undefined, tokenFile: undefined } };
  });

const spiffe = z
  .strictObject({
    ...common,
    kind: z.literal('spiffe'),
    trust_domain: z.string().refine(isTrustDomain, 'must be a trust domain, such as example.org'),
    issuer: issuerUrl.optional(),
    algorithms,
    jwks,
  })
  .transform(({ trust_domain: trustDomain, issuer, ...rest }) => ({ ...rest, trustDomain, issuer }));

/** An issuer of tokens of callers. */
export const issuer = z.discriminatedUnion('kind', [kubernetes, entra, spiffe], {
  error: 'must have the kind kubernetes, entra or spiffe',
});

export function issuerFaults(issuers: readonly TokenIssuer[]): string[] {
  return [
    ...duplicates(
      'issuer id',
      issuers.map(({ id }) => id),
    ),
    ...duplicates('issuer', issuers.flatMap(issuerNames)),
  ];
}
