import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { SandboxClock } from '../movable_clock.ts';
import {
  type AppCertificate,
  type ClientSecret,
  createSecret,
  type FederatedCredential,
  federatedCredentialInput,
  readCertificate,
  secretInput,
} from './app_credential.ts';
import type { AppManagementPolicy } from './app_management_policy.ts';
import { derivedUuid } from './derived_uuid.ts';

const text = z.string().min(1);
const texts = z.array(text).optional();

export const appInput = z.strictObject({
  clientId: z.uuid().optional(),
  displayName: text.optional(),
  /** Default false. */
  publisherVerified: z.boolean().optional(),
  directoryId: text.optional(),
  audience: text.optional(),
  redirectUris: texts,
  spaRedirectUris: texts,
  publicClient: z.boolean().optional(),
  secrets: z.array(secretInput).optional(),
  /** PEM. */
  certificates: texts,
  federatedCredentials: z.array(federatedCredentialInput).optional(),
  permissions: texts,
  applicationPermissions: texts,
  owners: texts,
  /** Milliseconds; default 0. */
  secretReplicationDelay: z.number().min(0).optional(),
});
export type AppInput = z.input<typeof appInput>;

export interface AppRegistration {
  clientId: string;
  /** Object id of the registration, as in Graph's `/applications/{id}`. */
  objectId: string;
  displayName: string;
  /** By Microsoft. False: the consent page shows "unverified", and some directories forbid their users to consent. */
  publisherVerified: boolean;
  /** The home directory. */
  directoryId: string;
  /** Accounts that may sign in: `organizations`, `common` (also personal ones), `consumers`, or the id of one directory. */
  audience: string;
  redirectUris: string[];
  /** A refresh token granted through one of these expires after 24 hours. */
  spaRedirectUris: string[];
  /** The app needs no credential, and must not present one. */
  publicClient: boolean;
  secrets: ClientSecret[];
  certificates: AppCertificate[];
  federatedCredentials: FederatedCredential[];
  /** Delegated permissions of the registration: those that `.default` and the admin consent page request. */
  permissions: string[];
  /** App roles on Graph (`Application.ReadWrite.OwnedBy`) and on Exchange (`IMAP.AccessAsApp`), granted in every directory. */
  applicationPermissions: string[];
  /** Client ids of the apps that own this one; empty at first. */
  owners: string[];
  /** For secrets and certificates that Graph adds, in milliseconds. */
  secretReplicationDelay: number;
  /** Overrides the policy of the directory. */
  managementPolicy: AppManagementPolicy | undefined;
}

export type Apps = ReturnType<typeof createApps>;

export function createApps(clock: SandboxClock) {
  const byClientId = new Map<string, AppRegistration>();
  return {
    add(input: AppInput & { directoryId: string }): AppRegistration {
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
        certificates: (input.certificates ?? []).map((pem) => readCertificate(pem)),
        federatedCredentials: z.array(federatedCredentialInput).parse(input.federatedCredentials ?? []),
        permissions: [...(input.permissions ?? [])],
        applicationPermissions: [...(input.applicationPermissions ?? [])],
        owners: [...(input.owners ?? [])],
        secretReplicationDelay: input.secretReplicationDelay ?? 0,
        managementPolicy: undefined,
      };
      byClientId.set(clientId, app);
      return app;
    },
    /** By client id or by object id. */
    find(id: string): AppRegistration | undefined {
      const wanted = id.toLowerCase();
      return byClientId.get(wanted) ?? [...byClientId.values()].find((app) => app.objectId === wanted);
    },
    findSecret: (value: string): ClientSecret | undefined =>
      [...byClientId.values()].flatMap(({ secrets }) => secrets).find((secret) => secret.value === value),
    list: (): AppRegistration[] => [...byClientId.values()],
  };
}

/** Of the app in one directory: another one than that of its registration. */
export function servicePrincipalId(app: AppRegistration, directoryId: string): string {
  return derivedUuid(`${app.clientId}@${directoryId}`);
}
