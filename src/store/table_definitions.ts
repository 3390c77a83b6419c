import { sql } from 'drizzle-orm';
import type { AdminConsentState } from '../model/admin_consent_request.ts';
import type { CredentialKind, CredentialVerdict } from '../model/app_credential.ts';
import type { Branding } from '../model/branding.ts';
import type { GrantState, PermissionsByResource } from '../model/connection.ts';
import type { ResourceIssues } from '../model/connection_resource_issue.ts';
import type { AppState, ClientCapability, Cloud, FailingDirectory, RotationPolicy } from '../model/entra_app.ts';
import type { Logo } from '../model/logo.ts';
import type { StoredChange } from '../model/resource_change_announcements.ts';
import type { RotationProblem, RotationStep } from '../model/secret_rotation.ts';
import type { StateReason } from '../model/state_reason.ts';
import type { TenantState } from '../model/tenant.ts';
import type { RegistrationReading } from '../model/unknown_credential.ts';
import type { AuthorizationFailure, AuthorizationState } from '../model/user_authorization.ts';
import type { EventData, EventType, Severity } from '../model/vault_event.ts';
import type { postgresColumns } from './postgres/column_types.ts';

/** What the two dialects declare differently. The types are PostgreSQL's; SQLite's enter by a cast. */
export type ColumnTypes = typeof postgresColumns;

export type Tables = ReturnType<typeof defineTables>;

export type Row<Name extends keyof Tables> = Tables[Name]['$inferSelect'];

/** The tables of both dialects. Times are milliseconds since 1970; sealed values are records of the keyring; ids compare as bytes. */
export function defineTables({
  table,
  text,
  integer,
  boolean,
  json,
  bytes,
  sequence,
  index,
  uniqueIndex,
  primaryKey,
}: ColumnTypes) {
  const tenants = table('tenants', {
    uid: text('uid').primaryKey(),
    tenantId: text('tenant_id').notNull().unique(),
    displayName: text('display_name').notNull(),
    labels: json('labels').$type<Readonly<Record<string, string>>>().notNull(),
    state: text('state').$type<TenantState>().notNull(),
    catalog: text('catalog').notNull(),
    allowedDirectoryIds: json('allowed_directory_ids').$type<readonly string[]>().notNull(),
    expiryThresholds: json('expiry_thresholds').$type<readonly number[]>(),
    /** The version of the tenant's data key that values are sealed under. */
    sealVersion: integer('seal_version').notNull().default(1),
    createTime: integer('create_time').notNull(),
    updateTime: integer('update_time').notNull(),
    version: integer('version').notNull(),
  });

  const apps = table(
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
      redirectUris: json('redirect_uris').$type<readonly string[]>().notNull(),
      returnUrlPrefixes: json('return_url_prefixes').$type<readonly string[]>().notNull(),
      catalog: text('catalog'),
      implicitPermissions: json('implicit_permissions').$type<readonly string[]>().notNull(),
      clientCapabilities: json('client_capabilities').$type<readonly ClientCapability[]>().notNull().default([]),
      logoHash: text('logo_hash'),
      branding: json('branding').$type<Branding>(),
      sharedWith: json('shared_with').$type<readonly string[]>().notNull(),
      rotation: json('rotation').$type<RotationPolicy>(),
      suspended: boolean('suspended').notNull(),
      state: text('state').$type<AppState>().notNull(),
      stateReason: json('state_reason').$type<StateReason>(),
      failingDirectories: json('failing_directories').$type<readonly FailingDirectory[]>().notNull(),
      /** When the registration and credentials are inspected next; 0 or below: at once. */
      inspectTime: integer('inspect_time').notNull().default(0),
      /** Ids of credentials at Entra that need no further report. */
      knownKeyIds: json('known_key_ids').$type<readonly string[]>().notNull().default([]),
      /** What the last inspection that could read the registration found there; null: none could. */
      registrationReading: json('registration_reading').$type<RegistrationReading>(),
      /** Keyed MAC of the columns that decide where tokens of the app go. */
      mac: bytes('mac'),
      createTime: integer('create_time').notNull(),
      updateTime: integer('update_time').notNull(),
      version: integer('version').notNull(),
    },
    (columns) => [
      uniqueIndex('apps_tenant_uid_app_id').on(columns.tenantUid, columns.appId),
      index('apps_tenant_id_app_id').on(columns.tenantId, columns.appId),
      index('apps_inspect_time').on(columns.inspectTime),
      index('apps_client_id').on(columns.clientId),
      // Read at each scrape of the metrics.
      index('apps_failing').on(columns.tenantUid, columns.appId).where(sql`state <> 'OK'`),
    ],
  );

  /** A table of its own, because apps are read a hundred times as often. */
  const appLogos = table(
    'app_logos',
    {
      appUid: text('app_uid')
        .primaryKey()
        .references(() => apps.uid, { onDelete: 'cascade' }),
      hash: text('hash').notNull(),
      mediaType: text('media_type').$type<Logo['mediaType']>().notNull(),
      image: bytes('image').notNull(),
    },
    (columns) => [index('app_logos_hash').on(columns.hash)],
  );

  const credentials = table(
    'credentials',
    {
      uid: text('uid').primaryKey(),
      tenantUid: text('tenant_uid').notNull(),
      appUid: text('app_uid')
        .notNull()
        .references(() => apps.uid, { onDelete: 'cascade' }),
      credentialId: text('credential_id').notNull(),
      /** The order in which the credentials of the app were added. */
      position: integer('position').notNull(),
      kind: text('kind').$type<CredentialKind>().notNull(),
      hint: text('hint').notNull(),
      notBefore: integer('not_before'),
      /** The earlier of the next two; what indexes and reminders go by. */
      expireTime: integer('expire_time'),
      configuredExpireTime: integer('configured_expire_time'),
      entraExpireTime: integer('entra_expire_time'),
      entraKeyId: text('entra_key_id'),
      /** When reminders are checked next; 0 or below: at once; null: never. */
      reminderTime: integer('reminder_time').default(0),
      /** The threshold of the last reminder, in days, and the expiry that it was about. */
      lastRemindedDays: integer('last_reminded_days'),
      remindedExpireTime: integer('reminded_expire_time'),
      verdict: text('verdict').$type<CredentialVerdict>().notNull(),
      entraError: text('entra_error'),
      lastUsedTime: integer('last_used_time'),
      preferTime: integer('prefer_time'),
      createTime: integer('create_time').notNull(),
      material: bytes('material').notNull(),
    },
    (columns) => [
      uniqueIndex('credentials_app_uid_credential_id').on(columns.appUid, columns.credentialId),
      index('credentials_tenant_uid_expire_time').on(columns.tenantUid, columns.expireTime),
      index('credentials_expire_time').on(columns.expireTime, columns.uid),
      index('credentials_reference').on(columns.hint).where(sql`kind = 'KEY_VAULT_SECRET'`),
      index('credentials_reminder_time').on(columns.reminderTime).where(sql`reminder_time IS NOT NULL`),
    ],
  );

  /** At most one per app. */
  const rotations = table(
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
      problem: json('problem').$type<RotationProblem>(),
      version: integer('version').notNull(),
    },
    (columns) => [
      uniqueIndex('rotations_app_uid').on(columns.appUid),
      index('rotations_next_time').on(columns.nextTime),
    ],
  );

  const connections = table(
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
      labels: json('labels').$type<Readonly<Record<string, string>>>().notNull(),
      directoryId: text('directory_id'),
      objectId: text('object_id'),
      /** Sealed: username, display name and e-mail address. */
      personal: bytes('personal'),
      usernameIndex: text('username_index'),
      productScopes: json('product_scopes').$type<readonly string[]>().notNull(),
      granted: json('granted').$type<PermissionsByResource>().notNull(),
      resourceIssues: json('resource_issues').$type<ResourceIssues>().notNull().default({}),
      grantState: text('grant_state').$type<GrantState>().notNull(),
      stateReason: json('state_reason').$type<StateReason>(),
      suspendTime: integer('suspend_time'),
      verifyTime: integer('verify_time'),
      lastRefreshTime: integer('last_refresh_time'),
      firstSuspectTime: integer('first_suspect_time'),
      /** The `last_refresh_time` that the last `connection.idle_expiring` event was about. */
      idleRemindedTime: integer('idle_reminded_time'),
      heldUntil: integer('held_until'),
      keepAliveTime: integer('keep_alive_time'),
      createTime: integer('create_time').notNull(),
      updateTime: integer('update_time').notNull(),
      version: integer('version').notNull(),
      refreshToken: bytes('refresh_token'),
      previousRefreshToken: bytes('previous_refresh_token'),
      replacedTime: integer('replaced_time'),
      /** Fences the holder of a lease: 128 random bits, new with every lease and every other write of a grant. */
      leaseId: text('lease_id').notNull().default(''),
      /** Keyed MAC of the columns that decide whose grant it is. */
      mac: bytes('mac'),
      leaseOwner: text('lease_owner'),
      leaseUntil: integer('lease_until'),
    },
    (columns) => [
      uniqueIndex('connections_tenant_uid_connection_id').on(columns.tenantUid, columns.connectionId),
      index('connections_tenant_id_connection_id').on(columns.tenantId, columns.connectionId),
      index('connections_app_uid').on(columns.appUid, columns.tenantUid),
      uniqueIndex('connections_tenant_uid_external_id')
        .on(columns.tenantUid, columns.externalId)
        .where(sql`external_id IS NOT NULL`),
      index('connections_external_id')
        .on(columns.externalId, columns.tenantId, columns.connectionId)
        .where(sql`external_id IS NOT NULL`),
      index('connections_object_id')
        .on(columns.objectId, columns.tenantId, columns.connectionId)
        .where(sql`object_id IS NOT NULL`),
      index('connections_directory_id')
        .on(columns.directoryId, columns.tenantId, columns.connectionId)
        .where(sql`directory_id IS NOT NULL`),
      index('connections_username').on(columns.usernameIndex).where(sql`username_index IS NOT NULL`),
      index('connections_state')
        .on(columns.grantState, columns.tenantId, columns.connectionId)
        .where(sql`suspend_time IS NULL`),
      index('connections_suspended').on(columns.tenantId, columns.connectionId).where(sql`suspend_time IS NOT NULL`),
      index('connections_keep_alive')
        .on(columns.keepAliveTime)
        .where(sql`keep_alive_time IS NOT NULL AND suspend_time IS NULL`),
      // Read by programs before migration 7 only: dropped when none of them runs any more.
      index('connections_last_refresh')
        .on(columns.lastRefreshTime)
        .where(sql`last_refresh_time IS NOT NULL AND suspend_time IS NULL`),
      // Without connections whose grant has ended: their last refresh stays, and they become ever more.
      index('connections_near_idle_expiry')
        .on(columns.lastRefreshTime)
        .where(sql`keep_alive_time IS NOT NULL AND suspend_time IS NULL`),
      index('connections_idle')
        .on(columns.lastRefreshTime)
        .where(sql`keep_alive_time IS NOT NULL AND idle_reminded_time IS DISTINCT FROM last_refresh_time`),
      index('connections_lease').on(columns.leaseUntil).where(sql`lease_until IS NOT NULL`),
    ],
  );

  const accessTokens = table(
    'access_tokens',
    {
      connectionUid: text('connection_uid')
        .notNull()
        .references(() => connections.uid, { onDelete: 'cascade' }),
      resource: text('resource').notNull(),
      tenantUid: text('tenant_uid').notNull(),
      /** Sealed: the whole token record. */
      token: bytes('token').notNull(),
      /** Not sealed, so that an expired token need not be opened. */
      expireTime: integer('expire_time').notNull(),
    },
    (columns) => [primaryKey({ name: 'access_tokens_pk', columns: [columns.connectionUid, columns.resource] })],
  );

  const authorizations = table(
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
      productScopes: json('product_scopes').$type<readonly string[]>().notNull(),
      permissions: json('permissions').$type<PermissionsByResource>().notNull(),
      redirectUri: text('redirect_uri').notNull(),
      returnUrl: text('return_url'),
      completion: text('completion').$type<'CALLER' | 'CONFIRM' | 'AUTO'>().notNull(),
      /** Sealed: names the person. */
      loginHint: bytes('login_hint'),
      directoryId: text('directory_id'),
      prompt: text('prompt'),
      allowAccountChange: boolean('allow_account_change').notNull(),
      claims: text('claims'),
      failure: text('failure').$type<AuthorizationFailure>(),
      createTime: integer('create_time').notNull(),
      expireTime: integer('expire_time').notNull(),
      handleHash: text('handle_hash').notNull().unique(),
      /** Sealed: the grant until it is confirmed. */
      waitingGrant: bytes('waiting_grant'),
      confirmationHash: text('confirmation_hash'),
      confirmationExpireTime: integer('confirmation_expire_time'),
    },
    (columns) => [
      index('authorizations_connection_uid').on(columns.connectionUid),
      index('authorizations_app_uid').on(columns.appUid),
      index('authorizations_expire_time').on(columns.expireTime),
    ],
  );

  const authorizationAttempts = table(
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
    (columns) => [index('authorization_attempts_authorization_uid').on(columns.authorizationUid)],
  );

  const adminConsents = table(
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
      productScopes: json('product_scopes').$type<readonly string[]>().notNull(),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      redirectUri: text('redirect_uri').notNull(),
      returnUrl: text('return_url'),
      createTime: integer('create_time').notNull(),
      expireTime: integer('expire_time').notNull(),
      handleHash: text('handle_hash').notNull().unique(),
      stateHash: text('state_hash').unique(),
      /** How often the button was pressed. */
      presses: integer('presses').notNull(),
      stateExpireTime: integer('state_expire_time'),
      stateUsedTime: integer('state_used_time'),
    },
    (columns) => [
      index('admin_consents_tenant_uid').on(columns.tenantUid),
      index('admin_consents_app_uid').on(columns.appUid),
      index('admin_consents_expire_time').on(columns.expireTime),
    ],
  );

  /** Has no foreign keys: an event outlives its subject. */
  const outbox = table(
    'outbox',
    {
      sequence: sequence('sequence'),
      /** The position in the stream that sinks and watchers read, without gaps; null: not visible to them yet. */
      number: integer('number'),
      uid: text('uid').notNull(),
      /** Unique: an event is published once for each key. Null: no deduplication. */
      dedupeKey: text('dedupe_key'),
      type: text('type').$type<EventType>().notNull(),
      tenantUid: text('tenant_uid').notNull(),
      tenantId: text('tenant_id').notNull(),
      subject: text('subject').notNull(),
      time: integer('time').notNull(),
      severity: text('severity').$type<Severity>().notNull().default('INFO'),
      data: json('data').$type<EventData>().notNull(),
    },
    (columns) => [
      uniqueIndex('outbox_dedupe_key').on(columns.dedupeKey).where(sql`dedupe_key IS NOT NULL`),
      uniqueIndex('outbox_number').on(columns.number).where(sql`number IS NOT NULL`),
      index('outbox_without_number').on(columns.sequence).where(sql`number IS NULL`),
      index('outbox_time').on(columns.time),
      index('outbox_tenant_uid').on(columns.tenantUid),
    ],
  );

  /** Up to which event deliveries were created for each sink. */
  const sinks = table('sinks', {
    sinkId: text('sink_id').primaryKey(),
    cursor: integer('cursor').notNull(),
  });

  /** Pending deliveries and dead letters. A delivered event is deleted here. */
  const deliveries = table(
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
      deadLetterTime: integer('dead_letter_time'),
    },
    (columns) => [
      primaryKey({ name: 'deliveries_pk', columns: [columns.sinkId, columns.sequence] }),
      index('deliveries_next_time')
        .on(columns.sinkId, columns.nextTime, columns.sequence)
        .where(sql`next_time IS NOT NULL`),
      index('deliveries_dead_letters').on(columns.sinkId, columns.sequence).where(sql`next_time IS NULL`),
      index('deliveries_sequence').on(columns.sequence),
    ],
  );

  /** Leases on work that one replica does for all. */
  const leases = table('leases', {
    name: text('name').primaryKey(),
    owner: text('owner').notNull(),
    until: integer('until').notNull(),
    /** Fences the owner: it grows when the owner changes. */
    epoch: integer('epoch').notNull().default(0),
  });

  /** Counters whose row lock gives positions in the order of the commits: `changes`, `outbox`. */
  const feed = table('feed', {
    name: text('name').primaryKey(),
    position: integer('position').notNull(),
  });

  /** Changes that all replicas apply to what they cache. */
  const changes = table(
    'changes',
    {
      position: integer('position').primaryKey(),
      uid: text('uid').notNull(),
      kind: text('kind').$type<StoredChange['kind']>().notNull(),
      subjectUid: text('subject_uid').notNull(),
      time: integer('time').notNull(),
    },
    (columns) => [index('changes_time').on(columns.time)],
  );

  /** Running processes; a row without a recent heartbeat is of one that ended. */
  const replicas = table('replicas', {
    uid: text('uid').primaryKey(),
    name: text('name').notNull(),
    version: text('version').notNull(),
    startTime: integer('start_time').notNull(),
    heartbeatTime: integer('heartbeat_time').notNull(),
    /** The last change that it applied. */
    feedPosition: integer('feed_position').notNull(),
    rootKeyIds: json('root_key_ids').$type<readonly string[]>().notNull(),
    /** Null: a program before migration 8, which serves what is contained. */
    enforcesContainments: boolean('enforces_containments'),
  });

  /** What nothing is served for, until it is lifted. Names, which may be of something that does not exist. */
  const containments = table('containments', {
    /** `callers/mail-sync`, `tenants/acme`, `tenants/acme/apps/mail`, `directories/…`, or `all`. */
    subject: text('subject').primaryKey(),
    reason: text('reason').notNull(),
    caller: text('caller').notNull(),
    createTime: integer('create_time').notNull(),
  });

  /** When a token of a connection was last served. A table of its own, so that it changes no version. */
  const connectionUse = table('connection_use', {
    connectionUid: text('connection_uid')
      .primaryKey()
      .references(() => connections.uid, { onDelete: 'cascade' }),
    lastServedTime: integer('last_served_time').notNull(),
  });

  /** Callers that received tokens of a connection. */
  const connectionCallers = table(
    'connection_callers',
    {
      connectionUid: text('connection_uid')
        .notNull()
        .references(() => connections.uid, { onDelete: 'cascade' }),
      caller: text('caller').notNull(),
      tenantUid: text('tenant_uid').notNull(),
      lastServedTime: integer('last_served_time').notNull(),
    },
    (columns) => [
      primaryKey({ name: 'connection_callers_pk', columns: [columns.connectionUid, columns.caller] }),
      index('connection_callers_caller').on(columns.caller, columns.tenantUid),
      index('connection_callers_last_served_time').on(columns.lastServedTime),
    ],
  );

  /** When a credential of a caller was last used, for any method. */
  const callerUse = table(
    'caller_use',
    {
      caller: text('caller').notNull(),
      credentialId: text('credential_id').notNull(),
      lastUseTime: integer('last_use_time').notNull(),
    },
    (columns) => [primaryKey({ name: 'caller_use_pk', columns: [columns.caller, columns.credentialId] })],
  );

  /** Audit logs, one per replica; never deleted. */
  const auditStreams = table('audit_streams', {
    streamId: text('stream_id').primaryKey(),
    name: text('name').notNull(),
    firstNumber: integer('first_number').notNull(),
    firstTime: integer('first_time').notNull(),
    lastNumber: integer('last_number').notNull(),
    lastTime: integer('last_time').notNull(),
    /** Sealed: number and hash of the last entry that is durable. */
    checkpoint: bytes('checkpoint').notNull(),
  });

  /** Commits whose outcome may have to be looked up, because the connection was lost before the answer. */
  const commits = table(
    'commits',
    {
      commitId: text('commit_id').primaryKey(),
      time: integer('time').notNull(),
    },
    (columns) => [index('commits_time').on(columns.time)],
  );

  const deks = table(
    'deks',
    {
      tenantUid: text('tenant_uid').notNull(),
      version: integer('version').notNull(),
      wrapped: bytes('wrapped').notNull(),
    },
    (columns) => [primaryKey({ name: 'deks_pk', columns: [columns.tenantUid, columns.version] })],
  );

  const meta = table('meta', {
    key: text('key').primaryKey(),
    value: bytes('value').notNull(),
  });

  return {
    tenants,
    apps,
    appLogos,
    credentials,
    rotations,
    connections,
    accessTokens,
    authorizations,
    authorizationAttempts,
    adminConsents,
    outbox,
    sinks,
    deliveries,
    leases,
    feed,
    changes,
    replicas,
    containments,
    connectionUse,
    connectionCallers,
    callerUse,
    auditStreams,
    commits,
    deks,
    meta,
  };
}
