import {
  type App,
  homeDirectory,
  isOpenToPersonalAccounts,
  PERSONAL_DIRECTORY,
  PERSONAL_LIMITS,
} from '../model/app.ts';
import { DAY, type Timestamp } from '../model/clock.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import { type Credential, type CredentialKind, type CredentialMaterial, neverExpires } from '../model/credential.ts';
import { serviceOf } from '../model/resource.ts';
import { rotatedCredential } from '../model/rotation_due.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Preset } from '../scopes/presets.ts';
import { isLoopback } from './check_fields.ts';
import { looksLikeSecretId } from './client_secret.ts';
import type { ProbeReport } from './probe.ts';

/** The portal makes client secrets of at most 24 months; some days more, for its months are calendar months. */
const LONGEST_SECRET = 735 * DAY;
const SOON = 30 * DAY;

export function credentialWarnings(credential: Credential, now: Timestamp): readonly string[] {
  const { kind, expireTime, credentialId } = credential;
  const what = `${KINDS[kind]} ${credentialId}`;
  if (kind === 'FEDERATED') return [];
  if (expireTime === undefined) {
    const where =
      kind === 'KEY_VAULT_SECRET' ? 'give the secret an expiration date in the key vault' : 'copy it from the portal';
    return [`No end is known of ${what}, so nobody can be warned before it comes: ${where}.`];
  }
  const end = new Date(expireTime).toISOString().slice(0, 10);
  if (kind === 'CLIENT_SECRET' && expireTime - now > LONGEST_SECRET) {
    const never = neverExpires(credential) ? 'never ends' : 'as good as never ends';
    return [
      `The ${what} ${never} (${end}): one that leaks works until somebody deletes it. Make one of at most 24 months; the vault takes the next one beside it, and no user signs in again.`,
    ];
  }
  if (expireTime - now >= SOON) return [];
  return kind === 'KEY_VAULT_SECRET' && !PINNED.test(credential.hint)
    ? [`The ${what} ends on ${end}: put the next client secret into the key vault before, which the vault then takes.`]
    : [`The ${what} ends on ${end}: add the next one with AddCredential before.`];
}

const KINDS = {
  CLIENT_SECRET: 'client secret',
  CERTIFICATE: 'certificate',
  FEDERATED: 'assertion file',
  KEY_VAULT_SECRET: 'Key Vault secret',
} as const satisfies Record<CredentialKind, string>;

/** The address of one version, which no later one follows. */
const PINNED = /\/secrets\/[^/]+\/[^/]+$/;

/** Where renewal by the vault is asked for, and will not come by itself. */
export function rotationWarnings(
  { rotation }: App,
  credentials: readonly Credential[],
  now: Timestamp,
): readonly string[] {
  const secret = rotatedCredential(credentials, now);
  if (rotation === undefined) return [];
  if (secret === undefined) {
    return ['rotation renews client secrets, and the app has none of its own: add one, or switch rotation off.'];
  }
  const { credentialId, expireTime } = secret;
  if (expireTime === undefined) {
    return [
      `Nobody knows when client secret ${credentialId} ends, so that it is not renewed until Graph has told its end; RotateCredential renews it now.`,
    ];
  }
  return neverExpires(secret)
    ? [
        `The client secret ${credentialId} never ends, so that it is never due; RotateCredential replaces it with one that is.`,
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
  const warnings: string[] = [];
  const { signInAudience } = app;
  const allowed = tenant.allowedDirectoryIds;
  const only = signInAudience === 'consumers' ? PERSONAL_DIRECTORY : homeDirectory(app);
  if (only !== undefined && allowed.length > 0 && !allowed.includes(only)) {
    warnings.push(
      `Nobody can connect: the audience ${signInAudience} lets in accounts of directory ${only} alone, which is not among allowed_directory_ids.`,
    );
  }
  if (isOpenToPersonalAccounts(app) && (app.cloud === 'US_GOV' || app.cloud === 'CHINA')) {
    warnings.push(
      `The audience ${signInAudience} lets personal accounts in, which national clouds do not have: take organizations or a directory.`,
    );
  }
  if (signInAudience === 'organizations' && allowed.includes(PERSONAL_DIRECTORY)) {
    warnings.push(
      'The audience organizations lets no personal account in, though allowed_directory_ids does: take common.',
    );
  }
  if (preset?.signInAudience === 'common' && signInAudience === 'organizations') {
    warnings.push(
      'The audience organizations lets no personal Microsoft account in, which this preset is made for: take common.',
    );
  }
  if (preset?.signInAudience !== undefined && signInAudience === 'consumers') {
    warnings.push(
      `The audience consumers lets no work account in, which this preset is made for: take ${preset.signInAudience}.`,
    );
  }
  return warnings;
}

/** The portal lists Outlook's permissions among those of Graph. */
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
        `A registration that personal accounts may use can list ${most} permissions of a resource, and ${count} of ${resource} are asked for: leave some out, or take the audience organizations.`,
    );
}

function redirectWarnings(app: App): readonly string[] {
  const local = app.redirectUris.filter((uri) => isLoopback(new URL(uri)));
  if (local.length === 0 || app.cloud === 'CUSTOM') return [];
  return [`Only a browser on this machine can come back to ${local.join(', ')}: good for trying out, not for users.`];
}

function scopeWarnings(app: App): readonly string[] {
  return app.implicitPermissions.some(
    (permission) => /(IMAP|POP)\.AccessAsUser\.All$|SMTP\.Send$/i.test(permission) && !permission.includes('://'),
  )
    ? [
        'implicit_permissions names a mail protocol of Microsoft Graph, whose tokens IMAP, POP and SMTP refuse: write https://outlook.office.com/IMAP.AccessAsUser.All.',
      ]
    : [];
}

export function secretWarnings(material: CredentialMaterial): readonly string[] {
  if (material.kind !== 'CLIENT_SECRET' || !looksLikeSecretId(material.clientSecret)) return [];
  return ['The client secret looks like a "Secret ID" (a GUID): Entra wants the "Value" that the portal shows once.'];
}
