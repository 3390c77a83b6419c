import { type Credential, type CredentialKind, neverExpires } from '../model/app_credential.ts';
import { DAY, type Timestamp } from '../model/clock.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import {
  type App,
  homeDirectory,
  isOpenToPersonalAccounts,
  PERSONAL_DIRECTORY,
  PERSONAL_LIMITS,
} from '../model/entra_app.ts';
import { GUID } from '../model/id_patterns.ts';
import { serviceOf } from '../model/microsoft_resource_uri.ts';
import type { Secret } from '../model/secret.ts';
import { rotatedCredential } from '../model/secret_rotation_due.ts';
import type { Tenant } from '../model/tenant.ts';
import { isLoopback } from './check_operator_fields.ts';
import type { ProbeReport } from './probe_app_credentials.ts';
import type { Preset } from './registration_presets_of_products.ts';

/** The portal creates client secrets of at most 24 calendar months, which can be some days more than two years. */
const LONGEST_SECRET = 735 * DAY;
const SOON = 30 * DAY;

const KINDS = {
  CLIENT_SECRET: 'client secret',
  CERTIFICATE: 'certificate',
  FEDERATED: 'assertion file',
  KEY_VAULT_SECRET: 'Key Vault secret',
  MANAGED_IDENTITY: 'managed identity',
  KEY_VAULT_CERTIFICATE: 'Key Vault certificate',
} as const satisfies Record<CredentialKind, string>;

/** The URI of one version of a secret, which no new version replaces. */
const PINNED = /\/secrets\/[^/]+\/[^/]+$/;

export function credentialWarnings(credential: Credential, now: Timestamp): readonly string[] {
  const { kind, expireTime, credentialId } = credential;
  const what = `${KINDS[kind]} ${credentialId}`;
  if (kind === 'FEDERATED' || kind === 'MANAGED_IDENTITY') return [];
  if (expireTime === undefined) {
    const where =
      kind === 'KEY_VAULT_SECRET'
        ? 'Give the secret an expiration date in the key vault'
        : 'Copy the date from the portal';
    return [`The expiry date of ${what} is unknown, so the vault cannot send reminders. ${where}.`];
  }
  const date = new Date(expireTime).toISOString().slice(0, 10);
  if (kind === 'CLIENT_SECRET' && expireTime - now > LONGEST_SECRET) {
    const never = neverExpires(credential) ? 'never expires' : 'practically never expires';
    return [
      `The ${what} ${never} (${date}): if it leaks, it works until it is deleted. Create one of at most 24 months; the vault accepts several at once, and no user has to sign in again.`,
    ];
  }
  if (expireTime - now >= SOON) return [];
  const next =
    kind === 'KEY_VAULT_SECRET' && !PINNED.test(credential.hint)
      ? 'Store the next client secret in the key vault before then; the vault reads it from there'
      : kind === 'KEY_VAULT_CERTIFICATE'
        ? 'Create a new version in the key vault before then, and add it to the app registration; the vault then uses it'
        : 'Add the next one with AddCredential before then';
  return [`The ${what} expires on ${date}. ${next}.`];
}

/** Reasons why a requested rotation will not start by itself. */
export function rotationWarnings(
  { rotation }: App,
  credentials: readonly Credential[],
  now: Timestamp,
): readonly string[] {
  if (rotation === undefined) return [];
  const credential = rotatedCredential(credentials, now);
  if (credential === undefined) {
    // One that Entra does not accept yet has warnings of its own.
    if (credentials.some(({ kind }) => kind === 'CERTIFICATE')) return [];
    // Its window holds for the versions of certificates too.
    if (rotation.window !== undefined && credentials.some(({ kind }) => kind === 'KEY_VAULT_CERTIFICATE')) return [];
    return [
      'rotation renews client secrets and certificates, but the app has neither of its own. Add one, or clear rotation.',
    ];
  }
  const what = `${KINDS[credential.kind]} ${credential.credentialId}`;
  const { expireTime } = credential;
  if (expireTime === undefined) {
    return [
      `The expiry date of ${what} is unknown, so it is not renewed until Microsoft Graph reports the date. Call RotateCredential to renew it now.`,
    ];
  }
  return neverExpires(credential)
    ? [
        `The ${what} never expires, so its renewal is never due. Call RotateCredential to replace it with one that expires.`,
      ]
    : [];
}

export function probeWarnings(probes: readonly ProbeReport[]): readonly string[] {
  return probes
    .filter(({ outcome }) => outcome === 'REJECTED' || outcome === 'PROPAGATING' || outcome === 'UNKNOWN')
    .map(({ credentialId, message }) => `Credential ${credentialId}: ${message}`);
}

export function appWarnings(app: App, tenant: Tenant, preset: Preset | undefined): readonly string[] {
  return [...audienceWarnings(app, tenant, preset), ...redirectWarnings(app), ...scopeWarnings(app)];
}

function audienceWarnings(app: App, tenant: Tenant, preset: Preset | undefined): readonly string[] {
  const { signInAudience } = app;
  const audience = `The audience ${signInAudience}`;
  const allowed = tenant.allowedDirectoryIds;
  const only = signInAudience === 'consumers' ? PERSONAL_DIRECTORY : homeDirectory(app);
  const isNational = app.cloud === 'US_GOV' || app.cloud === 'CHINA';
  const warnings: readonly [boolean, string][] = [
    [
      only !== undefined && allowed.length > 0 && !allowed.includes(only),
      `No user can connect: the audience ${signInAudience} admits only accounts of directory ${only}, which allowed_directory_ids does not list.`,
    ],
    [
      isOpenToPersonalAccounts(app) && isNational,
      `${audience} admits personal accounts, which national clouds do not have. Use organizations or a directory.`,
    ],
    [
      signInAudience === 'organizations' && allowed.includes(PERSONAL_DIRECTORY),
      `${audience} admits no personal account, although allowed_directory_ids does. Use common.`,
    ],
    [
      signInAudience === 'organizations' && preset?.signInAudience === 'common',
      `${audience} admits no personal Microsoft account, but this preset is made for them. Use common.`,
    ],
    [
      signInAudience === 'consumers' && preset?.signInAudience !== undefined,
      `${audience} admits no work account, but this preset is made for them. Use ${preset?.signInAudience}.`,
    ],
  ];
  return warnings.filter(([applies]) => applies).map(([, warning]) => warning);
}

/** The portal lists the permissions of Outlook under Microsoft Graph. */
export function permissionWarnings(app: App, permissions: PermissionsByResource): readonly string[] {
  if (!isOpenToPersonalAccounts(app)) return [];
  const counts = new Map<string, number>();
  for (const [resource, names] of Object.entries(permissions)) {
    const listed = serviceOf(resource) === undefined ? resource : 'Microsoft Graph';
    counts.set(listed, (counts.get(listed) ?? 0) + names.length);
  }
  const most = PERSONAL_LIMITS.permissionsPerResource;
  return [...counts]
    .filter(([, count]) => count > most)
    .map(
      ([resource, count]) =>
        `A registration for personal accounts can list ${most} permissions of a resource, but ${count} of ${resource} are requested. Remove some, or use the audience organizations.`,
    );
}

function redirectWarnings(app: App): readonly string[] {
  const local = app.redirectUris.filter((uri) => isLoopback(new URL(uri)));
  if (local.length === 0 || app.cloud === 'CUSTOM') return [];
  return [`Only a browser on this machine can reach ${local.join(', ')}. Use it for tests, not for users.`];
}

function scopeWarnings(app: App): readonly string[] {
  return app.implicitPermissions.some(
    (permission) => /(IMAP|POP)\.AccessAsUser\.All$|SMTP\.Send$/i.test(permission) && !permission.includes('://'),
  )
    ? [
        'implicit_permissions names a mail protocol of Microsoft Graph, but IMAP, POP and SMTP reject Graph tokens. Use https://outlook.office.com/IMAP.AccessAsUser.All.',
      ]
    : [];
}

/** The portal shows the "Secret ID", a GUID, next to the value. */
export function secretIdWarnings(subject: string, secret: Secret): readonly string[] {
  return secret.matches(GUID)
    ? [`${subject} looks like a "Secret ID" (a GUID). Entra expects the "Value", which the portal shows only once.`]
    : [];
}
