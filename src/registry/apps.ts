import type { App, Cloud } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import type { Credential } from '../model/credential.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Rotation } from '../model/rotation.ts';
import { appDetails } from './app_details.ts';
import { refuseCuttingOff } from './app_sharing.ts';
import { updatedApp } from './app_update.ts';
import { createApp } from './create_app.ts';
import { deleteApp } from './delete_app.ts';
import { createLookup } from './lookup.ts';
import type { CredentialRequest } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';
import type { RegistryParts } from './registry_parts.ts';
import type { RotationRequest } from './rotation_policy.ts';

/** Entra app registrations, as an operator sees them. In requests `''` and `[]` stand for "not given", as on the wire. */
export interface Apps {
  /** TENANT_NOT_FOUND, FIELD_INVALID, APP_EXISTS. */
  create(request: CreateApp): Promise<CreatedApp>;
  /** TENANT_NOT_FOUND, APP_NOT_FOUND. */
  get(app: AppId): Promise<AppDetails>;
  /** In the order of (tenant id, app id). */
  list(request: ListApps): Promise<Page<AppDetails>>;
  /** APP_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH, APP_IN_USE. */
  update(request: UpdateApp): Promise<AppDetails>;
  /** APP_IN_USE: connections of its own tenant and no `force`, or of other tenants even with it. */
  delete(request: AppId & { readonly etag: string; readonly force: boolean }): Promise<void>;
}

export interface AppId {
  readonly tenantId: string;
  readonly appId: string;
}

export interface AppDetails {
  readonly app: App;
  /** In the order of adding. */
  readonly credentials: readonly Credential[];
  /** Under way; undefined: there is none. */
  readonly rotation: Rotation | undefined;
  /** Where browsers find its logo; undefined: it has none. */
  readonly logoUri: string | undefined;
  /** Known to this process alone. */
  readonly throttledUntil: Timestamp | undefined;
}

/** What an operator says of an app. */
export interface AppFields {
  readonly displayName: string;
  readonly clientId: string;
  /** Undefined: GLOBAL when creating, not looked at when updating. */
  readonly cloud: Cloud | undefined;
  readonly signInAudience: string;
  readonly homeDirectoryId: string;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
  readonly catalog: string;
  readonly implicitPermissions: readonly string[];
  /** `tenants/{tenant}`, a tenant's id, or `*`. */
  readonly sharedWith: readonly string[];
  /** Undefined: the vault renews nothing by itself. */
  readonly rotation: RotationRequest | undefined;
  readonly suspended: boolean;
  /** The bytes of an image; empty: not given. */
  readonly logo: Uint8Array;
}

export interface CreateApp extends AppId {
  readonly fields: AppFields;
  readonly credential: CredentialRequest | undefined;
  /** `''`: `default`. */
  readonly credentialId: string;
  readonly validateOnly: boolean;
}

export interface CreatedApp {
  readonly app: AppDetails;
  /** Undefined: no credential was given. */
  readonly probe: ProbeReport | undefined;
  readonly nextSteps: NextSteps;
}

export interface ListApps {
  /** Undefined: `tenants/-`. */
  readonly tenantId: string | undefined;
  /** Whom the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
  readonly page: PageRequest;
}

export interface UpdateApp extends AppId {
  readonly etag: string;
  readonly fields: AppFields;
  /** Paths as on the wire (`display_name`); undefined: the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}

export function createApps(parts: RegistryParts): Apps {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const lookup = createLookup(stores);

  return {
    create: (request) => createApp(parts, request),

    async get({ tenantId, appId }) {
      return appDetails(parts, await lookup.app(tenantId, appId));
    },

    async list({ tenantId, tenantIds, page }) {
      if (tenantId !== undefined) await lookup.tenant(tenantId);
      const { items, next } = await stores.apps.list(page, tenantId === undefined ? tenantIds : [tenantId]);
      return { items: await Promise.all(items.map((app) => appDetails(parts, app))), next };
    },

    async update({ tenantId, appId, etag, fields, updateMask }) {
      const tenant = await lookup.tenant(tenantId);
      const before = await lookup.app(tenantId, appId);
      checkEtag(before, etag, appName(before));
      const { after, logo } = updatedApp(before, fields, updateMask, { scopes, tenant, now: clock.now() });
      await refuseCuttingOff(stores, before, after);
      const stored = await stores.apps.update(before, after, logo);
      authorizationServer.forget(stored.uid);
      changes.announce({ kind: 'app', uid: stored.uid });
      return appDetails(parts, stored);
    },

    delete: (request) => deleteApp(parts, request),
  };
}
