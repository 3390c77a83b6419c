import type { Branding } from './branding.ts';
import { type ChangeWindow, nextOpening } from './change_window.ts';
import { DAY, type Duration, type Timestamp } from './clock.ts';
import type { StateReason } from './state_reason.ts';

export const CLOUDS = ['GLOBAL', 'US_GOV', 'CHINA', 'CUSTOM'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** `organizations`, `common`, `consumers`, or the id of the one directory that the app serves. */
export type SignInAudience = string;

/** By Entra's last response about the app itself. Throttling is known to admission control alone, not to the database. */
export type AppState = 'OK' | 'CREDENTIAL_REJECTED' | 'MISCONFIGURED';

/** `CP1`: the programs that use the app's tokens answer claims challenges (continuous access evaluation). */
export const CLIENT_CAPABILITIES = ['CP1'] as const;
export type ClientCapability = (typeof CLIENT_CAPABILITIES)[number];

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
  /** Directory of the registration itself; undefined: not configured, and the audience does not imply it. */
  readonly homeDirectoryId: string | undefined;
  readonly redirectUris: readonly string[];
  /** Allowed redirects of the browser after connecting. */
  readonly returnUrlPrefixes: readonly string[];
  /** Overrides the tenant's catalog. */
  readonly catalog: string | undefined;
  /** Requested at every consent in addition to the product scopes; OIDC scopes and permissions as Entra spells them. */
  readonly implicitPermissions: readonly string[];
  /** Declared to Entra with every exchange. */
  readonly clientCapabilities: readonly ClientCapability[];
  /** SHA-256 (hex) of the logo, which is stored separately; undefined: none. */
  readonly logoHash: string | undefined;
  /** Undefined: the vault's own colour, and no links. */
  readonly branding: Branding | undefined;
  /** Ids of other tenants that may connect through this app; `*` for all. */
  readonly sharedWith: readonly string[];
  /** How the vault rotates the app's client secret; undefined: it does not. */
  readonly rotation: RotationPolicy | undefined;
  readonly suspended: boolean;
  readonly state: AppState;
  readonly stateReason: StateReason | undefined;
  readonly failingDirectories: readonly FailingDirectory[];
  readonly createTime: Timestamp;
  readonly updateTime: Timestamp;
  readonly version: number;
}

/** The ids in the name of an app. */
export type AppIds = Pick<App, 'tenantId' | 'appId'>;

export interface RotationPolicy {
  /** How long before the expiry a new secret is created. */
  readonly leadTime: Duration;
  /** Lifetime of the new secret. */
  readonly secretLife: Duration;
  /** Undefined: at any time. */
  readonly window?: ChangeWindow | undefined;
}

export const ROTATION_DEFAULTS: RotationPolicy = { leadTime: 30 * DAY, secretLife: 180 * DAY };

/** When a credential of the app may be changed: not outside its window, unless the credential that is used expires before. */
export function openingBefore(
  { rotation }: Pick<App, 'rotation'>,
  end: Timestamp | undefined,
  now: Timestamp,
): Timestamp {
  const opening = nextOpening(rotation?.window, now);
  return end !== undefined && end <= opening ? now : opening;
}

/** The directory of personal accounts: https://learn.microsoft.com/entra/identity-platform/id-tokens */
export const PERSONAL_DIRECTORY = '9188040d-6c67-4c5b-b112-36a304b66dad';

const MANY_DIRECTORIES = new Set(['organizations', 'common', 'consumers']);

/** The one directory that the app serves, or undefined when it serves several. */
export function homeDirectory(app: Pick<App, 'signInAudience'>): string | undefined {
  return MANY_DIRECTORIES.has(app.signInAudience) ? undefined : app.signInAudience;
}

/** The directory of the registration, as far as it is known. */
export function registrationDirectory(app: Pick<App, 'signInAudience' | 'homeDirectoryId'>): string | undefined {
  return app.homeDirectoryId ?? homeDirectory(app);
}

/** Limits of a registration that accepts personal accounts: https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation */
export const PERSONAL_LIMITS = { secrets: 2, permissionsPerResource: 30 } as const;

/** Personal accounts may sign in. */
export function isOpenToPersonalAccounts({ signInAudience }: Pick<App, 'signInAudience'>): boolean {
  return signInAudience === 'common' || signInAudience === 'consumers';
}

export function isSharedWith(app: Pick<App, 'tenantId' | 'sharedWith'>, tenantId: string): boolean {
  return app.tenantId === tenantId || app.sharedWith.includes('*') || app.sharedWith.includes(tenantId);
}
