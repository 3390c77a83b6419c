import type { Cloud } from './entra_app.ts';

/** Signatures with a private key only: with a shared key (HS256), everybody who can verify a token can make one. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** An issuer of JWT bearer tokens by which callers authenticate. */
export type TokenIssuer = KubernetesIssuer | EntraIssuer | SpiffeIssuer;

interface IssuerBase {
  /** In the callers file. */
  readonly id: string;
  /** Each audience of a token must be one of them. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  readonly jwks: JwksLocation;
}

/** The API server of a cluster, for projected service-account tokens. */
export interface KubernetesIssuer extends IssuerBase {
  readonly kind: 'kubernetes';
  readonly issuer: string;
}

/** One directory of Entra, for tokens of apps. */
export interface EntraIssuer extends IssuerBase {
  readonly kind: 'entra';
  /** GUID, in lower case. */
  readonly directoryId: string;
  readonly cloud: EntraIssuerCloud;
}

/** A SPIFFE trust domain, for JWT-SVIDs. */
export interface SpiffeIssuer extends IssuerBase {
  readonly kind: 'spiffe';
  readonly trustDomain: string;
  /** Undefined: its tokens have no `iss`, the default of SPIRE. */
  readonly issuer: string | undefined;
}

/** Where the public keys of an issuer are. */
export type JwksLocation =
  | { readonly file: string }
  | {
      readonly url: string;
      /** Authorities of its TLS certificate, PEM; undefined: those of Node. */
      readonly caFile: string | undefined;
      /** A bearer token for the request, as the Kubernetes API needs. */
      readonly tokenFile: string | undefined;
    };

export type EntraIssuerCloud = Exclude<Cloud, 'CUSTOM'>;
export const ENTRA_ISSUER_CLOUDS = ['GLOBAL', 'US_GOV', 'CHINA'] as const satisfies readonly EntraIssuerCloud[];

/** https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference, of tokens of version 1 and 2. */
const ENTRA: Readonly<Record<EntraIssuerCloud, { readonly v1: string; readonly login: string }>> = {
  GLOBAL: { v1: 'https://sts.windows.net', login: 'https://login.microsoftonline.com' },
  US_GOV: { v1: 'https://sts.windows.net', login: 'https://login.microsoftonline.us' },
  CHINA: { v1: 'https://sts.chinacloudapi.cn', login: 'https://login.partner.microsoftonline.cn' },
};

/** The issuers of tokens of version 1 and version 2. */
export function entraIssuers({ cloud, directoryId }: Pick<EntraIssuer, 'cloud' | 'directoryId'>) {
  const { v1, login } = ENTRA[cloud];
  return { v1: `${v1}/${directoryId}/`, v2: `${login}/${directoryId}/v2.0` };
}

export function entraJwksUrl({ cloud, directoryId }: Pick<EntraIssuer, 'cloud' | 'directoryId'>): string {
  return `${ENTRA[cloud].login}/${directoryId}/discovery/v2.0/keys`;
}

/** What a token names as its issuer. No two issuers have one in common. */
export function issuerNames(issuer: TokenIssuer): readonly string[] {
  switch (issuer.kind) {
    case 'kubernetes':
      return [issuer.issuer];
    case 'entra':
      return Object.values(entraIssuers(issuer));
    case 'spiffe':
      return [issuer.issuer ?? trustDomainName(issuer.trustDomain)];
  }
}

/** Stands for the issuer of tokens without `iss`. */
export function trustDomainName(trustDomain: string): string {
  return `spiffe://${trustDomain}`;
}

/** `sub` of the tokens of a Kubernetes service account. */
export function serviceAccountSubject(namespace: string, serviceAccount: string): string {
  return `system:serviceaccount:${namespace}:${serviceAccount}`;
}
