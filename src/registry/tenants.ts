import type { Cloud } from '../model/app.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Tenant } from '../model/tenant.ts';
import type { AppDetails } from './apps.ts';
import type { CredentialRequest } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';

/** Our customers, as an operator sees them. In requests `''` and `[]` stand for "not given", as on the wire. */
export interface Tenants {
  /** The whole onboarding in one commit, then a probe that warns and never refuses. FIELD_INVALID, TENANT_EXISTS. */
  register(request: RegisterTenant): Promise<RegisteredTenant>;
  /** TENANT_NOT_FOUND. */
  get(tenantId: string): Promise<Tenant>;
  /** In the order of their ids. */
  list(request: ListTenants): Promise<Page<Tenant>>;
  /** TENANT_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH. */
  update(request: UpdateTenant): Promise<Tenant>;
  suspend(request: TenantWithEtag): Promise<Tenant>;
  resume(request: TenantWithEtag): Promise<Tenant>;
  /** Shreds. The etag is required. TENANT_NOT_EMPTY, and APP_IN_USE even when forced. */
  delete(request: TenantWithEtag & { readonly force: boolean }): Promise<void>;
}

export interface TenantWithEtag {
  readonly tenantId: string;
  readonly etag: string;
}

export interface RegisterTenant {
  readonly tenantId: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly preset: string;
  readonly baseUrl: string;
  readonly catalog: string;
  readonly allowedDirectoryIds: readonly string[];
  readonly app: AppRegistration;
  readonly validateOnly: boolean;
}

/** `AppRegistration` of the wire: an app with its first credential, flat. */
export interface AppRegistration {
  readonly clientId: string;
  readonly displayName: string;
  readonly signInAudience: string;
  /** Undefined: GLOBAL. */
  readonly cloud: Cloud | undefined;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
  readonly implicitPermissions: readonly string[];
  readonly continuousAccessEvaluation: boolean;
  /** `expireTime` is `app.secret_expire_time`. */
  readonly credential: CredentialRequest;
}

export interface RegisteredTenant {
  readonly tenant: Tenant;
  readonly app: AppDetails;
  readonly probe: ProbeReport;
  readonly nextSteps: NextSteps;
}

export interface ListTenants {
  readonly page: PageRequest;
  /** Whom the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
}

export interface UpdateTenant extends TenantWithEtag {
  readonly fields: Pick<Tenant, 'displayName' | 'labels' | 'catalog' | 'allowedDirectoryIds'>;
  /** Paths as on the wire (`display_name`); undefined: the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}
