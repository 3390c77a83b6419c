import { z } from 'zod';
import { GUID } from '../model/id_patterns.ts';
import { parseSpiffeId } from '../model/spiffe_id.ts';
import { serviceAccountSubject, type TokenIssuer } from '../model/token_issuer.ts';
import { duplicates, resourceId } from './read_yaml_file.ts';

export const spiffeId = z
  .string()
  .refine((text) => parseSpiffeId(text) !== undefined, 'must be the SPIFFE id of a workload, as spiffe://domain/path');

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names: DNS labels and subdomains. */
const kubernetesName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'must be a name of Kubernetes, in lower case');

/** A token of a caller: its issuer, and the subject in the form of that issuer. */
export const token = z.strictObject({
  id: resourceId,
  issuer: resourceId,
  namespace: kubernetesName.optional(),
  service_account: kubernetesName.optional(),
  client_id: z.string().regex(GUID, 'must be the client id of an app, a GUID').optional(),
  spiffe_id: spiffeId.optional(),
});

type WrittenToken = z.infer<typeof token>;

const FIELDS = {
  kubernetes: ['namespace', 'service_account'],
  entra: ['client_id'],
  spiffe: ['spiffe_id'],
} as const satisfies Readonly<Record<TokenIssuer['kind'], readonly (keyof WrittenToken)[]>>;
const ALL_FIELDS = Object.values(FIELDS).flat();

/** By `find_token_subject.ts` in `caller_tokens/`. */
export function subjectOf({ namespace = '', service_account, client_id, spiffe_id }: WrittenToken): string {
  if (service_account !== undefined) return serviceAccountSubject(namespace, service_account);
  return client_id?.toLowerCase() ?? spiffe_id ?? '';
}

interface WrittenCaller {
  readonly id: string;
  readonly tokens: readonly WrittenToken[];
}

/** A subject of an issuer belongs to one caller, and has the form that the issuer uses. */
export function tokenFaults(callers: readonly WrittenCaller[], issuers: readonly TokenIssuer[]): string[] {
  const byId = new Map(issuers.map((issuer) => [issuer.id, issuer]));
  const subjects = callers.flatMap(({ tokens }) => tokens.map((one) => `${one.issuer} ${subjectOf(one)}`));
  const formFaults = callers.flatMap(({ id, tokens }) =>
    tokens.flatMap((one) => {
      const fault = tokenFault(one, byId.get(one.issuer));
      return fault === undefined ? [] : [`token ${one.id} of ${id} ${fault}`];
    }),
  );
  return [...duplicates('token of', subjects), ...formFaults];
}

function tokenFault(written: WrittenToken, issuer: TokenIssuer | undefined): string | undefined {
  if (issuer === undefined) return `names the issuer ${written.issuer}, which is not in issuers`;
  const needed: readonly string[] = FIELDS[issuer.kind];
  if (ALL_FIELDS.some((field) => (written[field] !== undefined) !== needed.includes(field)))
    return `must have ${needed.join(' and ')}, and no other subject, as its issuer is of kind ${issuer.kind}`;
  const isForeign =
    issuer.kind === 'spiffe' && parseSpiffeId(written.spiffe_id ?? '')?.trustDomain !== issuer.trustDomain;
  return isForeign ? `must have a SPIFFE id of ${issuer.trustDomain}, the trust domain of its issuer` : undefined;
}
