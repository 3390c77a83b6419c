import { cooldownRemaining } from '../model/after_redeem.ts';
import { isSharedWith } from '../model/app.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import { appName, type Connection, connectionName } from '../model/connection.ts';
import { isGrantSound } from '../model/connection_resources.ts';
import { fieldInvalid, type Reason, VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import { resourceCooldownRemaining } from '../model/resource_issue.ts';
import { suspended } from '../model/suspension.ts';
import { allowsDirectory } from '../model/tenant.ts';
import type { ConnectionSnapshot } from './connection_snapshot.ts';

/** What a person does next, by reason. */
const NEXT_STEPS: Partial<Record<Reason, string>> = {
  REAUTHORIZATION_REQUIRED: 'let the user sign in again (StartAuthorization)',
  CONSENT_REQUIRED: 'let the user sign in again and consent (StartAuthorization)',
  ACCOUNT_MISMATCH: 'connect the right account (StartAuthorization)',
  ADMIN_CONSENT_REQUIRED: "ask an administrator of the user's directory to approve the app",
  BLOCKED_BY_POLICY: "ask an administrator of the user's directory to lift the policy, then call VerifyConnection",
  ACCOUNT_DISABLED: "ask an administrator of the user's directory to enable the account, then call VerifyConnection",
  DIRECTORY_NOT_ALLOWED: "allow the directory in the tenant's allowed_directory_ids, or connect another account",
  APP_CREDENTIAL_REJECTED: 'add a working credential to the app (AddCredential)',
  APP_CREDENTIAL_EXPIRED: 'add a new credential to the app (AddCredential)',
  APP_MISCONFIGURED: 'repair the app registration in Entra, then call VerifyApp',
  INTERNAL: 'tell the operator of the vault',
};

const USER_SIGNS_IN = new Set<Reason>(['REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'ACCOUNT_MISMATCH']);

/** Status details hold 1 KB. */
const LONGEST_CLAIMS = 400;

/** Throws what stands in the way of serving, as last read: answered locally, however often it is asked. */
export function checkServable(snapshot: ConnectionSnapshot, now: Timestamp): void {
  checkNotSuspended(snapshot);
  checkDirectory(snapshot);
  checkGrantState(snapshot.connection, now);
}

/** The tenant may have been narrowed since the account was connected. An import that nobody verified yet has no account to go by. */
export function checkDirectory({ tenant, connection }: Pick<ConnectionSnapshot, 'tenant' | 'connection'>): void {
  const { account } = connection;
  if (account === undefined || allowsDirectory(tenant, account.directoryId)) return;
  const name = connectionName(connection);
  throw new VaultError('DIRECTORY_NOT_ALLOWED', sentence('DIRECTORY_NOT_ALLOWED', name), {
    metadata: { resource: name, directoryId: account.directoryId },
  });
}

export function checkNotSuspended({ tenant, owner, app, connection }: ConnectionSnapshot): void {
  if (tenant.state === 'SUSPENDED')
    throw suspended('TENANT_SUSPENDED', { name: `tenants/${tenant.tenantId}`, resumedBy: 'ResumeTenant' });
  if (app.suspended || owner.state === 'SUSPENDED')
    throw suspended('APP_SUSPENDED', { name: appName(app), resumedBy: app.suspended ? 'UpdateApp' : 'ResumeTenant' });
  if (!isSharedWith(app, tenant.tenantId)) {
    const name = appName(app);
    throw new VaultError(
      'APP_SUSPENDED',
      `${name} is no longer shared with tenants/${tenant.tenantId}. Share it again with UpdateApp.`,
      {
        metadata: { resource: name, nextStep: 'UpdateApp' },
      },
    );
  }
  if (connection.suspendTime !== undefined)
    throw suspended('CONNECTION_SUSPENDED', { name: connectionName(connection), resumedBy: 'ResumeConnection' });
}

/** Entra refuses the grant itself. A blocked connection may be tried again once its hold has passed. */
export function checkGrantState(connection: Connection, now: Timestamp): void {
  if (connection.grantState === 'PENDING') throw pendingError(connection);
  if (isGrantSound(connection)) return;
  const name = connectionName(connection);
  const needsUser = connection.grantState === 'REAUTHORIZATION_REQUIRED';
  const blocked =
    connection.grantState === 'BLOCKED' &&
    (connection.heldUntil === undefined || cooldownRemaining(connection, now) > 0);
  if (!needsUser && !blocked) return;
  const evidence = connection.stateReason;
  const reason = evidence?.reason ?? (needsUser ? 'REAUTHORIZATION_REQUIRED' : 'BLOCKED_BY_POLICY');
  throw new VaultError(reason, sentence(reason, name), {
    metadata: facts(reason, name, evidence?.entraError, evidence?.correlationId),
  });
}

/** Entra refuses this resource of a sound grant, and is not asked again yet. */
export function checkResourceIssue(connection: Connection, resource: string, now: Timestamp): void {
  const issue = connection.resourceIssues[resource];
  if (issue === undefined || issue.state === 'ACTIVE' || resourceCooldownRemaining(issue, now) === 0) return;
  const { reason, entraError, correlationId } = issue.evidence;
  const name = connectionName(connection);
  throw new VaultError(reason, sentence(reason, name, resource), {
    metadata: { ...facts(reason, name, entraError, correlationId), resourceUri: resource },
  });
}

export function pendingError(connection: Connection): VaultError {
  const name = connectionName(connection);
  return new VaultError(
    'CONNECTION_PENDING',
    `${name} was never granted; let the user finish signing in (StartAuthorization)`,
    { metadata: { resource: name, nextStep: 'StartAuthorization' } },
  );
}

/** The grant may have been replaced by a narrower one since somebody asked. SCOPE_NOT_GRANTED. */
export function checkResourceGranted(connection: Connection, resource: string): void {
  if (connection.granted[resource] !== undefined || connection.resourceIssues[resource] !== undefined) return;
  const name = connectionName(connection);
  throw new VaultError(
    'SCOPE_NOT_GRANTED',
    `${name} is not granted ${resource} any more; let the user consent to it (StartAuthorization with the wider scopes)`,
    { metadata: { resource: name, resourceUri: resource, nextStep: 'StartAuthorization' } },
  );
}

/** Nothing is asked of Entra for this connection for a while. */
export function coolingDownError(connection: Connection, wait: Duration): VaultError {
  const name = connectionName(connection);
  return new VaultError(
    'ENTRA_UNAVAILABLE',
    `Entra is not asked for ${name} for another ${Math.ceil(wait / 1_000)} s after doubtful answers; retry then`,
    { metadata: { resource: name }, retryAfter: wait },
  );
}

/** The error for an exchange that failed; `claims` is for StartAuthorization to pass on. */
export function exchangeError(connection: Connection, failure: Failure, resource: string): VaultError {
  const name = connectionName(connection);
  const refused = ABOUT_A_RESOURCE.has(failure.subject) ? resource : undefined;
  const sentences = [sentence(failure.reason, name, refused), failure.hint].filter((one) => one !== undefined);
  return new VaultError(failure.reason, sentences.join('. '), {
    metadata: {
      ...(refused === undefined ? {} : { resourceUri: refused }),
      ...facts(failure.reason, name, failure.entraError, failure.correlationId),
      ...(failure.claims === undefined || failure.claims.length > LONGEST_CLAIMS ? {} : { claims: failure.claims }),
    },
    ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
  });
}

const ABOUT_A_RESOURCE = new Set<Failure['subject']>(['resource', 'resource_in_directory']);

/** The error for claims that Entra refuses although it grants the same request without them. */
export function claimsError(connection: Connection, failure: Failure, resource: string): VaultError {
  if (!CLAIMS_AT_FAULT.has(failure.kind)) return exchangeError(connection, failure, resource);
  const code = failure.entraError === undefined ? '' : ` (${failure.entraError})`;
  return fieldInvalid('claims', `Entra refuses this claims challenge${code}; send it as the resource returned it`);
}

const CLAIMS_AT_FAULT = new Set<Failure['kind']>(['caller', 'ours', 'app_config']);

function sentence(reason: Reason, name: string, resource?: string): string {
  const step = NEXT_STEPS[reason] ?? 'retry later';
  if (resource === undefined) return `Entra gave no token for ${name}; ${step}`;
  if (reason === 'CONSENT_REQUIRED') return `${resource} is not consented for ${name} (no longer, or not yet); ${step}`;
  return `Entra gave no token of ${resource} for ${name}; ${step}`;
}

function facts(
  reason: Reason,
  name: string,
  entraError: string | undefined,
  correlationId: string | undefined,
): Record<string, string> {
  return {
    resource: name,
    ...(entraError === undefined ? {} : { entraError }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(USER_SIGNS_IN.has(reason) ? { nextStep: 'StartAuthorization' } : {}),
  };
}
