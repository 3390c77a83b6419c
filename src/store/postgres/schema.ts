import { sql } from 'drizzle-orm';
import { bigint, boolean, customType, index, jsonb, pgTable, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core';
import type { AdminConsentState } from '../../model/admin_consent.ts';
import type { AppState, Cloud, FailingDirectory, RotationPolicy } from '../../model/app.ts';
import type { AuthorizationState } from '../../model/authorization.ts';
import type { GrantState, PermissionsByResource } from '../../model/connection.ts';
import type { CredentialKind, CredentialVerdict } from '../../model/credential.ts';
import type { Reason } from '../../model/errors.ts';
import type { EventData, EventType, Severity } from '../../model/event.ts';
import type { Logo } from '../../model/logo.ts';
import type { ResourceIssues } from '../../model/resource_issue.ts';
import type { RotationProblem, RotationStep } from '../../model/rotation.ts';
import type { StateReason } from '../../model/state_reason.ts';
import type { TenantState } from '../../model/tenant.ts';

// The twin of sqlite/schema.ts: same keys, same row types; schema_twins.ts stops the compile when they drift.

// Collation "C" compares bytes, as SQLite does, so that pages sort alike whatever the locale of the cluster.
const text = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });

const integer = (name: string) => bigint(name, { mode: 'number' });

export const tenants = pgTable('tenants', {
  uid: text('uid').primaryKey(),
  tenantId: text('tenant_id').notNull().unique(),
  displayName: text('display_name').notNull(),
  labels: jsonb('labels').$type<Readonly<Record<string, string>>>().notNull(),
  state: text('state').$type<TenantState>().notNull(),
  catalog: text('catalog').notNull(),
  allowedDirectoryIds: jsonb('allowed_directory_ids').$type<readonly string[]>().notNull(),
  expiryThresholds: jsonb('expiry_thresholds').$type<readonly number[]>(),
  createTime: integer('create_time').notNull(),
  updateTime: integer('update_time').notNull(),
  version: integer('version').notNull(),
});

export const apps = pgTable(
  'apps',
  {
    uid: text('uid').primaryKey(),
    tenantUid: text('tenant_uid')
      .notNull()
      .references(() => tenants.uid),
    tenantId: text('tenant_id').notNull(),
    appId: text('app_id').notNull(),
    displayName: text('display_name').notNull(),
    clientId: text('client_id').notNull(),
    cloud: text('cloud').$type<Cloud>().notNull(),
    signInAudience: text('sign_in_audience').notNull(),
    homeDirectoryId: text('home_directory_id'),
    redirectUris: jsonb('redirect_uris').$type<readonly string[]>().notNull(),
    returnUrlPrefixes: jsonb('return_url_prefixes').$type<readonly string[]>().notNull(),
    catalog: text('catalog'),
    implicitPermissions: jsonb('implicit_permissions').$type<readonly string[]>().notNull(),
    logoHash: text('logo_hash'),
    sharedWith: jsonb('shared_with').$type<readonly string[]>().notNull(),
    rotation: jsonb('rotation').$type<RotationPolicy>(),
    suspended: boolean('suspended').notNull(),
    state: text('state').$type<AppState>().notNull(),
    stateEvidence: jsonb('state_evidence').$type<StateReason>(),
    failingDirectories: jsonb('failing_directories').$type<readonly FailingDirectory[]>().notNull(),
    /** When somebody must look at its registration and credentials; not above 0: at once. */
    inspectTime: integer('inspect_time').notNull().default(0),
    /** Key ids at Entra that nobody needs to be told of. */
    strangers: jsonb('strangers').$type<readonly string[]>().notNull().default([]),
    createTime: integer('create_time').notNull(),
    updateTime: integer('update_time').notNull(),
    version: integer('version').notNull(),
  },
  (table) => [
    uniqueIndex('apps_tenant_uid_app_id').on(table.tenantUid, table.appId),
    index('apps_tenant_id_app_id').on(table.tenantId, table.appId),
    index('apps_inspect_time').on(table.inspectTime),
    index('apps_client_id').on(table.clientId),
  ],
);

/** Apart from the apps, which are read a hundred times as often. */
export const appLogos = pgTable(
  'app_logos',
  {
    appUid: text('app_uid')
      .primaryKey()
      .references(() => apps.uid, { onDelete: 'cascade' }),
    hash: text('hash').notNull(),
    mediaType: text('media_type').$type<Logo['mediaType']>().notNull(),
    image: bytes('image').notNull(),
  },
  (table) => [index('app_logos_hash').on(table.hash)],
);

export const credentials = pgTable(
  'credentials',
  {
    uid: text('uid').primaryKey(),
    tenantUid: text('tenant_uid').notNull(),
    appUid: text('app_uid')
      .notNull()
      .references(() => apps.uid, { onDelete: 'cascade' }),
    credentialId: text('credential_id').notNull(),
    /** Order of adding within the app. */
    position: integer('position').notNull(),
    kind: text('kind').$type<CredentialKind>().notNull(),
    hint: text('hint').notNull(),
    notBefore: integer('not_before'),
    /** The earlier of the next two; what indexes and reminders go by. */
    expireTime: integer('expire_time'),
    saidExpireTime: integer('said_expire_time'),
    entraExpireTime: integer('entra_expire_time'),
    entraKeyId: text('entra_key_id'),
    /** When somebody must look whether a reminder is due; 0: at once; null: never. */
    reminderTime: integer('reminder_time').default(0),
    /** Days before the end that was told last, and of which end. */
    toldDays: integer('told_days'),
    toldEnd: integer('told_end'),
    verdict: text('verdict').$type<CredentialVerdict>().notNull(),
    entraError: text('entra_error'),
    lastUsedTime: integer('last_used_time'),
    preferTime: integer('prefer_time'),
    createTime: integer('create_time').notNull(),
    material: bytes('material').notNull(),
  },
  (table) => [
    uniqueIndex('credentials_app_uid_credential_id').on(table.appUid, table.credentialId),
    index('credentials_tenant_uid_expire_time').on(table.tenantUid, table.expireTime),
    index('credentials_expire_time').on(table.expireTime, table.uid),
    index('credentials_reference').on(table.hint).where(sql`kind = 'KEY_VAULT_SECRET'`),
    index('credentials_reminder_time').on(table.reminderTime).where(sql`reminder_time IS NOT NULL`),
  ],
);

/** At most one an app. */
export const rotations = pgTable(
  'rotations',
  {
    uid: text('uid').primaryKey(),
    appUid: text('app_uid')
      .notNull()
      .references(() => apps.uid, { onDelete: 'cascade' }),
    step: text('step').$type<RotationStep>().notNull(),
    marker: text('marker').notNull(),
    oldCredentialUid: text('old_credential_uid').notNull(),
    newCredentialUid: text('new_credential_uid'),
    beginTime: integer('begin_time').notNull(),
    watchTime: integer('watch_time'),
    nextTime: integer('next_time').notNull(),
    failures: integer('failures').notNull(),
    problem: jsonb('problem').$type<RotationProblem>(),
    version: integer('version').notNull(),
  },
  (table) => [uniqueIndex('rotations_app_uid').on(table.appUid), index('rotations_next_time').on(table.nextTime)],
);

export const connections = pgTable(
  'connections',
  {
    uid: text('uid').primaryKey(),
    tenantUid: text('tenant_uid')
      .notNull()
      .references(() => tenants.uid),
    tenantId: text('tenant_id').notNull(),
    connectionId: text('connection_id').notNull(),
    appUid: text('app_uid')
      .notNull()
      .references(() => apps.uid),
    appTenantId: text('app_tenant_id').notNull(),
    appId: text('app_id').notNull(),
    externalId: text('external_id'),
    labels: jsonb('labels').$type<Readonly<Record<string, string>>>().notNull(),
    directoryId: text('directory_id'),
    objectId: text('object_id'),
    /** Sealed: username, display name and e-mail address. */
    personal: bytes('personal'),
    usernameIndex: text('username_index'),
    productScopes: jsonb('product_scopes').$type<readonly string[]>().notNull(),
    granted: jsonb('granted').$type<PermissionsByResource>().notNull(),
    resourceIssues: jsonb('resource_issues').$type<ResourceIssues>().notNull().default({}),
    grantState: text('grant_state').$type<GrantState>().notNull(),
    stateEvidence: jsonb('state_evidence').$type<StateReason>(),
    suspendTime: integer('suspend_time'),
    verifyTime: integer('verify_time'),
    lastRefreshTime: integer('last_refresh_time'),
    firstSuspectTime: integer('strike_time'),
    /** The `last_refresh_time` of which it was told that the refresh token is about to die. */
    idleTold: integer('idle_told'),
    heldUntil: integer('held_until'),
    keepAliveTime: integer('keep_alive_time'),
    createTime: integer('create_time').notNull(),
    updateTime: integer('update_time').notNull(),
    version: integer('version').notNull(),
    refreshToken: bytes('refresh_token'),
    previousRefreshToken: bytes('previous_refresh_token'),
    replacedTime: integer('replaced_time'),
    /** Fencing number: whoever writes a grant raises it. */
    epoch: integer('epoch').notNull(),
    leaseOwner: text('lease_owner'),
    leaseUntil: integer('lease_until'),
  },
  (table) => [
    uniqueIndex('connections_tenant_uid_connection_id').on(table.tenantUid, table.connectionId),
    index('connections_tenant_id_connection_id').on(table.tenantId, table.connectionId),
    index('connections_app_uid').on(table.appUid, table.tenantUid),
    uniqueIndex('connections_tenant_uid_external_id')
      .on(table.tenantUid, table.externalId)
      .where(sql`external_id IS NOT NULL`),
    index('connections_external_id')
      .on(table.externalId, table.tenantId, table.connectionId)
      .where(sql`external_id IS NOT NULL`),
    index('connections_object_id')
      .on(table.objectId, table.tenantId, table.connectionId)
      .where(sql`object_id IS NOT NULL`),
    index('connections_directory_id')
      .on(table.directoryId, table.tenantId, table.connectionId)
      .where(sql`directory_id IS NOT NULL`),
    index('connections_username').on(table.usernameIndex).where(sql`username_index IS NOT NULL`),
    index('connections_state')
      .on(table.grantState, table.tenantId, table.connectionId)
      .where(sql`suspend_time IS NULL`),
    index('connections_suspended').on(table.tenantId, table.connectionId).where(sql`suspend_time IS NOT NULL`),
    index('connections_keep_alive')
      .on(table.keepAliveTime)
      .where(sql`keep_alive_time IS NOT NULL AND suspend_time IS NULL`),
    index('connections_last_refresh')
      .on(table.lastRefreshTime)
      .where(sql`last_refresh_time IS NOT NULL AND suspend_time IS NULL`),
    index('connections_idle')
      .on(table.lastRefreshTime)
      .where(sql`keep_alive_time IS NOT NULL AND idle_told IS DISTINCT FROM last_refresh_time`),
    index('connections_lease').on(table.leaseUntil).where(sql`lease_until IS NOT NULL`),
  ],
);

export const accessTokens = pgTable(
  'access_tokens',
  {
    connectionUid: text('connection_uid')
      .notNull()
      .references(() => connections.uid, { onDelete: 'cascade' }),
    resource: text('resource').notNull(),
    tenantUid: text('tenant_uid').notNull(),
    /** Sealed: the whole token record. */
    token: bytes('token').notNull(),
    /** In clear, so that one that has ended need not be opened. */
    expireTime: integer('expire_time').notNull(),
  },
  (table) => [primaryKey({ name: 'access_tokens_pk', columns: [table.connectionUid, table.resource] })],
);

export const authorizations = pgTable(
  'authorizations',
  {
    uid: text('uid').primaryKey(),
    tenantUid: text('tenant_uid').notNull(),
    connectionUid: text('connection_uid')
      .notNull()
      .references(() => connections.uid, { onDelete: 'cascade' }),
    appUid: text('app_uid')
      .notNull()
      .references(() => apps.uid, { onDelete: 'cascade' }),
    state: text('state').$type<AuthorizationState>().notNull(),
    productScopes: jsonb('product_scopes').$type<readonly string[]>().notNull(),
    permissions: jsonb('permissions').$type<PermissionsByResource>().notNull(),
    redirectUri: text('redirect_uri').notNull(),
    returnUrl: text('return_url'),
    completion: text('completion').$type<'CALLER' | 'CONFIRM' | 'AUTO'>().notNull(),
    /** Sealed: names the person. */
    loginHint: bytes('login_hint'),
    directoryId: text('directory_id'),
    prompt: text('prompt'),
    allowAccountChange: boolean('allow_account_change').notNull(),
    claims: text('claims'),
    failure: text('failure').$type<Reason>(),
    createTime: integer('create_time').notNull(),
    expireTime: integer('expire_time').notNull(),
    handleHash: text('handle_hash').notNull().unique(),
    /** Sealed: the grant that waits for its confirmation. */
    waitingGrant: bytes('waiting_grant'),
    confirmationHash: text('confirmation_hash'),
    confirmationExpireTime: integer('confirmation_expire_time'),
  },
  (table) => [
    index('authorizations_connection_uid').on(table.connectionUid),
    index('authorizations_app_uid').on(table.appUid),
    index('authorizations_expire_time').on(table.expireTime),
  ],
);

export const authorizationAttempts = pgTable(
  'authorization_attempts',
  {
    stateHash: text('state_hash').primaryKey(),
    authorizationUid: text('authorization_uid')
      .notNull()
      .references(() => authorizations.uid, { onDelete: 'cascade' }),
    /** Sealed: PKCE verifier and nonce. */
    secrets: bytes('secrets').notNull(),
    expireTime: integer('expire_time').notNull(),
    usedTime: integer('used_time'),
  },
  (table) => [index('authorization_attempts_authorization_uid').on(table.authorizationUid)],
);

export const adminConsents = pgTable(
  'admin_consents',
  {
    uid: text('uid').primaryKey(),
    tenantUid: text('tenant_uid')
      .notNull()
      .references(() => tenants.uid, { onDelete: 'cascade' }),
    tenantId: text('tenant_id').notNull(),
    appUid: text('app_uid')
      .notNull()
      .references(() => apps.uid, { onDelete: 'cascade' }),
    state: text('state').$type<AdminConsentState>().notNull(),
    directoryId: text('directory_id'),
    productScopes: jsonb('product_scopes').$type<readonly string[]>().notNull(),
    scopes: jsonb('scopes').$type<readonly string[]>().notNull(),
    redirectUri: text('redirect_uri').notNull(),
    returnUrl: text('return_url'),
    createTime: integer('create_time').notNull(),
    expireTime: integer('expire_time').notNull(),
    handleHash: text('handle_hash').notNull().unique(),
    stateHash: text('state_hash').unique(),
    /** Of the button. */
    presses: integer('presses').notNull(),
    stateExpireTime: integer('state_expire_time'),
    stateUsedTime: integer('state_used_time'),
  },
  (table) => [
    index('admin_consents_tenant_uid').on(table.tenantUid),
    index('admin_consents_app_uid').on(table.appUid),
    index('admin_consents_expire_time').on(table.expireTime),
  ],
);

/** Refers to nothing: an event outlives what it tells of. */
export const outbox = pgTable(
  'outbox',
  {
    sequence: integer('sequence').primaryKey().generatedByDefaultAsIdentity(),
    uid: text('uid').notNull(),
    /** What it is told once for. */
    cause: text('cause'),
    type: text('type').$type<EventType>().notNull(),
    tenantUid: text('tenant_uid').notNull(),
    tenantId: text('tenant_id').notNull(),
    subject: text('subject').notNull(),
    time: integer('time').notNull(),
    severity: text('severity').$type<Severity>().notNull().default('INFO'),
    data: jsonb('data').$type<EventData>().notNull(),
  },
  (table) => [
    uniqueIndex('outbox_cause').on(table.cause).where(sql`cause IS NOT NULL`),
    index('outbox_time').on(table.time),
    index('outbox_tenant_uid').on(table.tenantUid),
  ],
);

/** How far each sink was given what is in the outbox. */
export const sinks = pgTable('sinks', {
  sinkId: text('sink_id').primaryKey(),
  cursor: integer('cursor').notNull(),
});

/** Events on their way to sinks; gone when they have arrived. */
export const deliveries = pgTable(
  'deliveries',
  {
    sinkId: text('sink_id').notNull(),
    sequence: integer('sequence')
      .notNull()
      .references(() => outbox.sequence, { onDelete: 'cascade' }),
    attempts: integer('attempts').notNull(),
    lastError: text('last_error'),
    createTime: integer('create_time').notNull(),
    /** Null: a dead letter. */
    nextTime: integer('next_time'),
    parkTime: integer('park_time'),
  },
  (table) => [
    primaryKey({ name: 'deliveries_pk', columns: [table.sinkId, table.sequence] }),
    index('deliveries_next_time').on(table.sinkId, table.nextTime, table.sequence).where(sql`next_time IS NOT NULL`),
    index('deliveries_parked').on(table.sinkId, table.sequence).where(sql`next_time IS NULL`),
    index('deliveries_sequence').on(table.sequence),
  ],
);

/** Work that one replica does for all. */
export const leases = pgTable('leases', {
  name: text('name').primaryKey(),
  owner: text('owner').notNull(),
  until: integer('until').notNull(),
});

export const deks = pgTable(
  'deks',
  {
    tenantUid: text('tenant_uid').notNull(),
    version: integer('version').notNull(),
    wrapped: bytes('wrapped').notNull(),
  },
  (table) => [primaryKey({ name: 'deks_pk', columns: [table.tenantUid, table.version] })],
);

export const meta = pgTable('meta', {
  key: text('key').primaryKey(),
  value: bytes('value').notNull(),
});
