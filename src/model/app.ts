import { DAY, type Duration, type Timestamp } from './clock.ts';
import type { StateReason } from './state_reason.ts';

export const CLOUDS = ['GLOBAL', 'US_GOV', 'CHINA', 'CUSTOM'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** `organizations`, `common`, `consumers`, or the id of the one directory that the app serves. */
export type SignInAudience = string;

/** What Entra last said of the app itself; a throttled app is known to pacing, not to the database. */
export type AppState = 'OK' | 'CREDENTIAL_REJECTED' | 'MISCONFIGURED';

/** A directory in which the app fails while it works elsewhere. */
export interface FailingDirectory {
  readonly directoryId: string;
  readonly evidence: StateReason;
}

/** An Entra app registration. */
export interface App {
  readonly uid: string;
  readonly tenantUid: string;
  readonly tenantId: string;
  readonly appId: string;
  readonly displayName: string;
  /** Immutable, like the cloud: refresh tokens are bound to the client. */
  readonly clientId: string;
  readonly cloud: Cloud;
  readonly signInAudience: SignInAudience;
  /** Where the registration itself lives; undefined: not said, and the audience does not say it either. */
  readonly homeDirectoryId: string | undefined;
  readonly redirectUris: readonly string[];
  /** Where a browser may be sent after connecting. */
  readonly returnUrlPrefixes: readonly string[];
  /** Overrides the tenant's catalog. */
  readonly catalog: string | undefined;
  /** Asked for at every consent, beside what the product scopes need; OIDC scopes and permissions as Entra spells them. */
  readonly implicitPermissions: readonly string[];
  /** SHA-256 (hex) of the logo's bytes, which lie apart; undefined: it has none. */
  readonly logoHash: string | undefined;
  /** Ids of other tenants that may connect through this app; `*` for all. */
  readonly sharedWith: readonly string[];
  /** The vault renews the app's client secret by itself; undefined: it does not. */
  readonly rotation: RotationPolicy | undefined;
  readonly suspended: boolean;
  readonly state: AppState;
  readonly stateReason: StateReason | undefined;
  readonly failingDirectories: readonly FailingDirectory[];
  readonly createTime: Timestamp;
  readonly updateTime: Timestamp;
  readonly version: number;
}

export interface RotationPolicy {
  /** How long before the end a new secret is made. */
  readonly leadTime: Duration;
  /** How long the new one lives. */
  readonly secretLife: Duration;
}

export const ROTATION_DEFAULTS: RotationPolicy = { leadTime: 30 * DAY, secretLife: 180 * DAY };

/** The directory of personal accounts: https://learn.microsoft.com/entra/identity-platform/id-tokens */
export const PERSONAL_DIRECTORY = '9188040d-6c67-4c5b-b112-36a304b66dad';

const MANY_DIRECTORIES = new Set(['organizations', 'common', 'consumers']);

/** The one directory that the app serves, or undefined when it serves several. */
export function homeDirectory(app: Pick<App, 'signInAudience'>): string | undefined {
  return MANY_DIRECTORIES.has(app.signInAudience) ? undefined : app.signInAudience;
}

/** Where Graph knows the registration, as far as anybody said. */
export function registrationDirectory(app: Pick<App, 'signInAudience' | 'homeDirectoryId'>): string | undefined {
  return app.homeDirectoryId ?? homeDirectory(app);
}

/** Such a registration may have two client secrets, and 30 permissions of a resource: https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation */
export const PERSONAL_LIMITS = { secrets: 2, permissionsPerResource: 30 } as const;

/** Personal accounts may sign in. */
export function isOpenToPersonalAccounts({ signInAudience }: Pick<App, 'signInAudience'>): boolean {
  return signInAudience === 'common' || signInAudience === 'consumers';
}

export function isSharedWith(app: Pick<App, 'tenantId' | 'sharedWith'>, tenantId: string): boolean {
  return app.tenantId === tenantId || app.sharedWith.includes('*') || app.sharedWith.includes(tenantId);
}
