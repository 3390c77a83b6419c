import type { Duration, Timestamp } from '../model/clock.ts';
import { appName, type Connection, connectionName } from '../model/connection.ts';
import { cooldownRemaining } from '../model/connection_after_redeem.ts';
import { resourceCooldownRemaining } from '../model/connection_resource_issue.ts';
import { isGrantSound, mayBeVerified } from '../model/connection_resource_states.ts';
import { type App, isSharedWith } from '../model/entra_app.ts';
import { fieldInvalid, type Reason, VaultError } from '../model/errors.ts';
import type { StateReason } from '../model/state_reason.ts';
import { suspended } from '../model/suspension.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';
import type { Failure } from '../model/token_request_outcome.ts';

/** What a person does next, by reason. */
const NEXT_STEPS: Partial<Record<Reason, string>> = {
  REAUTHORIZATION_REQUIRED: 'Let the user sign in again (StartAuthorization).',
  CONSENT_REQUIRED: 'Let the user sign in again and consent (StartAuthorization).',
  ACCOUNT_MISMATCH: 'Connect the right account (StartAuthorization).',
  ADMIN_CONSENT_REQUIRED: "Ask an administrator of the user's directory to approve the app.",
  BLOCKED_BY_POLICY: "Ask an administrator of the user's directory to lift the policy, then call VerifyConnection.",
  ACCOUNT_DISABLED: "Ask an administrator of the user's directory to enable the account, then call VerifyConnection.",
  DIRECTORY_NOT_ALLOWED: "Allow the directory in the tenant's allowedDirectoryIds, or connect another account.",
  APP_CREDENTIAL_REJECTED: 'Add a working credential to the app (AddCredential).',
  APP_CREDENTIAL_EXPIRED: 'Add a new credential to the app (AddCredential).',
  APP_MISCONFIGURED: 'Repair the app registration in Entra, then call VerifyApp.',
  INTERNAL: 'Report this to the operator of the vault.',
};

const USER_SIGNS_IN = new Set<Reason>(['REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'ACCOUNT_MISMATCH']);

/** Status details hold 1 KB. */
const LONGEST_CLAIMS = 400;

/** What decides whether the connection may be served. `owner` is the tenant of the app. */
export interface ServingFacts {
  readonly tenant: Tenant;
  readonly owner: Tenant;
  readonly app: App;
  readonly connection: Connection;
}

/** Throws what prevents serving the connection, as last read. Entra is not called. */
export function checkServable(facts: ServingFacts, now: Timestamp): void {
  checkAllowed(facts);
  checkGrantState(facts.connection, now);
}

/** Suspended, not shared any more, or of a directory that is not allowed. */
export function checkAllowed(facts: ServingFacts): void {
  const block = servingBlock(facts);
  if (block !== undefined) throw block;
}

/** Why the connection must not be served although its grant may be sound; undefined: it may be served. */
export function servingBlock({ tenant, owner, app, connection }: ServingFacts): VaultError | undefined {
  if (tenant.state === 'SUSPENDED') {
    return suspended('TENANT_SUSPENDED', { name: `tenants/${tenant.tenantId}`, resumedBy: 'ResumeTenant' });
  }
  if (app.suspended || owner.state === 'SUSPENDED') {
    return suspended('APP_SUSPENDED', { name: appName(app), resumedBy: app.suspended ? 'UpdateApp' : 'ResumeTenant' });
  }
  if (!isSharedWith(app, tenant.tenantId)) {
    const name = appName(app);
    const text = `${name} is no longer shared with tenants/${tenant.tenantId}. Share it again with UpdateApp.`;
    return new VaultError('APP_SUSPENDED', text, { metadata: { resource: name, nextStep: 'UpdateApp' } });
  }
  if (connection.suspendTime !== undefined) {
    return suspended('CONNECTION_SUSPENDED', { name: connectionName(connection), resumedBy: 'ResumeConnection' });
  }
  // The tenant's directories may have changed since. An unverified import has no account to check.
  const { account } = connection;
  if (account === undefined || allowsDirectory(tenant, account.directoryId)) return undefined;
  const name = connectionName(connection);
  return new VaultError('DIRECTORY_NOT_ALLOWED', messageFor('DIRECTORY_NOT_ALLOWED', name), {
    metadata: { resource: name, directoryId: account.directoryId },
  });
}

/** Entra refuses the grant itself. A blocked connection may be tried again after its cooldown; `ignoreCooldown` tries it earlier. */
export function checkGrantState(connection: Connection, now: Timestamp, ignoreCooldown = false): void {
  const { grantState, heldUntil, stateReason } = connection;
  // A refresh token that Entra refused for good is not redeemed again, not even for VerifyConnection.
  if (ignoreCooldown && mayBeVerified(connection)) return;
  if (grantState === 'PENDING') throw pendingError(connection);
  if (isGrantSound(connection)) return;
  const needsUser = grantState === 'REAUTHORIZATION_REQUIRED';
  // Or else it is BLOCKED.
  if (!needsUser && heldUntil !== undefined && cooldownRemaining(connection, now) === 0) return;
  const name = connectionName(connection);
  const reason = stateReason?.reason ?? (needsUser ? 'REAUTHORIZATION_REQUIRED' : 'BLOCKED_BY_POLICY');
  throw new VaultError(reason, messageFor(reason, name), { metadata: metadataOf(reason, name, stateReason) });
}

/** Entra refuses this resource of a sound grant, and is not called again yet. */
export function checkResourceIssue(connection: Connection, resource: string, now: Timestamp): void {
  const issue = connection.resourceIssues[resource];
  if (issue === undefined || issue.state === 'ACTIVE' || resourceCooldownRemaining(issue, now) === 0) return;
  const { reason } = issue.evidence;
  const name = connectionName(connection);
  throw new VaultError(reason, messageFor(reason, name, resource), {
    metadata: { ...metadataOf(reason, name, issue.evidence), resourceUri: resource },
  });
}

export function pendingError(connection: Connection): VaultError {
  const name = connectionName(connection);
  return new VaultError(
    'CONNECTION_PENDING',
    `${name} was never granted. Let the user finish signing in (StartAuthorization).`,
    { metadata: { resource: name, nextStep: 'StartAuthorization' } },
  );
}

/** SCOPE_NOT_GRANTED: a narrower grant may have replaced the one that the request was checked against. */
export function checkResourceGranted(connection: Connection, resource: string): void {
  if (connection.granted[resource] !== undefined || connection.resourceIssues[resource] !== undefined) return;
  const name = connectionName(connection);
  throw new VaultError(
    'SCOPE_NOT_GRANTED',
    `${name} is not granted ${resource} any more. Let the user consent to it (StartAuthorization with the wider scopes).`,
    { metadata: { resource: name, resourceUri: resource, nextStep: 'StartAuthorization' } },
  );
}

export function coolingDownError(connection: Connection, wait: Duration): VaultError {
  const name = connectionName(connection);
  const seconds = Math.ceil(wait / 1_000);
  return new VaultError(
    'ENTRA_UNAVAILABLE',
    `After ambiguous answers, Entra is not called for ${name} for another ${seconds} s. Retry then.`,
    { metadata: { resource: name }, retryAfter: wait },
  );
}

/** The error for an exchange that failed; `claims` is for StartAuthorization to pass on. */
export function exchangeError(connection: Connection, failure: Failure, resource: string): VaultError {
  const { reason, hint, claims, retryAfter } = failure;
  const name = connectionName(connection);
  const refused = ABOUT_A_RESOURCE.has(failure.subject) ? resource : undefined;
  const message = messageFor(reason, name, refused);
  return new VaultError(reason, hint === undefined ? message : `${message} ${hint}`, {
    metadata: {
      resourceUri: refused,
      ...metadataOf(reason, name, failure),
      claims: claims !== undefined && claims.length > LONGEST_CLAIMS ? undefined : claims,
    },
    retryAfter,
  });
}

const ABOUT_A_RESOURCE = new Set<Failure['subject']>(['resource', 'resource_in_directory']);

/** The error for claims that Entra refuses although it grants the same request without them. */
export function claimsError(connection: Connection, failure: Failure, resource: string): VaultError {
  if (!CLAIMS_AT_FAULT.has(failure.kind)) return exchangeError(connection, failure, resource);
  const code = failure.entraError === undefined ? '' : ` (${failure.entraError})`;
  return fieldInvalid('claims', `Entra refuses this claims challenge${code}. Send it as the resource returned it.`);
}

const CLAIMS_AT_FAULT = new Set<Failure['kind']>(['caller', 'vault_fault', 'app_config']);

function messageFor(reason: Reason, name: string, resource?: string): string {
  const step = NEXT_STEPS[reason] ?? 'Retry later.';
  if (resource === undefined) return `Entra issued no token for ${name}. ${step}`;
  if (reason === 'CONSENT_REQUIRED') return `${resource} is not consented for ${name} (no longer, or not yet). ${step}`;
  return `Entra issued no token of ${resource} for ${name}. ${step}`;
}

function metadataOf(
  reason: Reason,
  resource: string,
  evidence: Pick<StateReason, 'entraError' | 'correlationId'> | undefined,
) {
  const { entraError, correlationId } = evidence ?? {};
  return {
    resource,
    entraError,
    correlationId,
    nextStep: USER_SIGNS_IN.has(reason) ? 'StartAuthorization' : undefined,
  };
}
