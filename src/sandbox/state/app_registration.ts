import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import { type AppCertificate, type ClientSecret, createSecret, type SecretInput } from './app_credential.ts';
import type { AppManagementPolicy } from './app_management_policy.ts';

/** Which accounts may sign in: `organizations`, `common` (those and personal ones), `consumers`, or one directory's id. */
export type Audience = string;

export interface FederatedCredential {
  issuer: string;
  subject: string;
  audience: string;
  /** PEM (SPKI). Without one the signature of an assertion is not looked at. */
  publicKey: string | undefined;
}

export interface AppRegistration {
  clientId: string;
  /** The registration's object id, as Graph names it in `/applications/{id}`. */
  objectId: string;
  displayName: string;
  /** By Microsoft. False: the consent page says "unverified", and users of some directories may not consent. */
  publisherVerified: boolean;
  /** The home directory. */
  directoryId: string;
  audience: Audience;
  redirectUris: string[];
  /** Refresh tokens granted through one of these live 24 hours, whatever happens. */
  spaRedirectUris: string[];
  /** No credential is asked, and none is taken. */
  publicClient: boolean;
  secrets: ClientSecret[];
  certificates: AppCertificate[];
  federatedCredentials: FederatedCredential[];
  /** Delegated permissions listed in the registration: what `.default` and the admin-consent page ask for. */
  permissions: string[];
  /** App roles on Graph (as `Application.ReadWrite.OwnedBy`), in force in the home directory. */
  applicationPermissions: string[];
  /** Client ids of the apps which own this one: none from the start, not even itself. */
  owners: string[];
  /** Of secrets that Graph adds, in milliseconds. */
  secretReplicationDelay: number;
  /** Instead of the directory's. */
  managementPolicy: AppManagementPolicy | undefined;
}

export interface AppInput {
  clientId?: string | undefined;
  displayName?: string | undefined;
  /** Default false. */
  publisherVerified?: boolean | undefined;
  directoryId?: string | undefined;
  audience?: Audience | undefined;
  redirectUris?: string[] | undefined;
  spaRedirectUris?: string[] | undefined;
  publicClient?: boolean | undefined;
  secrets?: SecretInput[] | undefined;
  /** PEM certificates. */
  certificates?: string[] | undefined;
  federatedCredentials?: { issuer: string; subject: string; audience?: string; publicKey?: string }[] | undefined;
  permissions?: string[] | undefined;
  applicationPermissions?: string[] | undefined;
  owners?: string[] | undefined;
  /** Milliseconds; default 0. */
  secretReplicationDelay?: number | undefined;
}

export interface Apps {
  add(input: AppInput & { directoryId: string }): AppRegistration;
  /** By client id or by object id. */
  find(id: string): AppRegistration | undefined;
  findSecret(value: string): ClientSecret | undefined;
  list(): AppRegistration[];
}

export function createApps(clock: SandboxClock): Apps {
  const byClientId = new Map<string, AppRegistration>();
  return {
    add(input) {
      const clientId = input.clientId?.toLowerCase() ?? randomUUID();
      const app: AppRegistration = {
        clientId,
        objectId: randomUUID(),
        displayName: input.displayName ?? clientId,
        publisherVerified: input.publisherVerified ?? false,
        directoryId: input.directoryId,
        audience: input.audience ?? 'common',
        redirectUris: [...(input.redirectUris ?? [])],
        spaRedirectUris: [...(input.spaRedirectUris ?? [])],
        publicClient: input.publicClient ?? false,
        secrets: (input.secrets ?? []).map((secret) => createSecret(secret, clock.now())),
        certificates: (input.certificates ?? []).map(readCertificate),
        federatedCredentials: (input.federatedCredentials ?? []).map(withAudience),
        permissions: [...(input.permissions ?? [])],
        applicationPermissions: [...(input.applicationPermissions ?? [])],
        owners: [...(input.owners ?? [])],
        secretReplicationDelay: input.secretReplicationDelay ?? 0,
        managementPolicy: undefined,
      };
      byClientId.set(clientId, app);
      return app;
    },
    find(id) {
      const wanted = id.toLowerCase();
      return byClientId.get(wanted) ?? [...byClientId.values()].find((app) => app.objectId === wanted);
    },
    findSecret: (value) =>
      [...byClientId.values()].flatMap(({ secrets }) => secrets).find((secret) => secret.value === value),
    list: () => [...byClientId.values()],
  };
}

export function withAudience(input: {
  issuer: string;
  subject: string;
  audience?: string;
  publicKey?: string;
}): FederatedCredential {
  return {
    issuer: input.issuer,
    subject: input.subject,
    audience: input.audience ?? 'api://AzureADTokenExchange',
    publicKey: input.publicKey,
  };
}

/** Takes a PEM; thumbprints are base64url, as `x5t` and `x5t#S256` carry them. */
export function readCertificate(pem: string): AppCertificate {
  const certificate = new X509Certificate(pem);
  return {
    keyId: randomUUID(),
    thumbprint: createHash('sha1').update(certificate.raw).digest('base64url'),
    thumbprintSha256: createHash('sha256').update(certificate.raw).digest('base64url'),
    raw: certificate.raw,
    publicKey: certificate.publicKey,
    startTime: Date.parse(certificate.validFrom),
    endTime: Date.parse(certificate.validTo),
  };
}
