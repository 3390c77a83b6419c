import type { Credential } from '../model/app_credential.ts';
import type { Branding } from '../model/branding.ts';
import type { Timestamp } from '../model/clock.ts';
import type { App, ClientCapability, Cloud } from '../model/entra_app.ts';
import type { PageRequest } from '../model/page.ts';
import type { Rotation } from '../model/secret_rotation.ts';
import type { NextSteps } from './app_setup_next_steps.ts';
import type { CredentialRequest } from './build_new_credential.ts';
import type { RotationRequest } from './check_rotation_and_home_directory.ts';
import type { ProbeReport } from './probe_app_credentials.ts';

export interface AppId {
  readonly tenantId: string;
  readonly appId: string;
}

export interface AppDetails {
  readonly app: App;
  /** In the order of adding. */
  readonly credentials: readonly Credential[];
  /** In progress; undefined without one. */
  readonly rotation: Rotation | undefined;
  /** URI of its logo; undefined if it has none. */
  readonly logoUri: string | undefined;
  /** Known only to this process. */
  readonly throttledUntil: Timestamp | undefined;
}

/** An app as an operator describes it. */
export interface AppFields {
  readonly displayName: string;
  readonly clientId: string;
  /** Undefined: GLOBAL when creating, ignored when updating. */
  readonly cloud: Cloud | undefined;
  readonly signInAudience: string;
  readonly homeDirectoryId: string;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
  readonly catalog: string;
  readonly implicitPermissions: readonly string[];
  readonly clientCapabilities: readonly ClientCapability[];
  /** `tenants/{tenant}`, a tenant id, or `*`. */
  readonly sharedWith: readonly string[];
  /** Undefined: no automatic rotation. */
  readonly rotation: RotationRequest | undefined;
  readonly suspended: boolean;
  /** Undefined: none. */
  readonly branding: Branding | undefined;
  /** The bytes of an image; empty if not set. */
  readonly logo: Uint8Array;
}

export interface CreateApp extends AppId {
  readonly fields: AppFields;
  readonly credential: CredentialRequest | undefined;
  /** `''` means `default`. */
  readonly credentialId: string;
  readonly validateOnly: boolean;
}

export interface CreatedApp {
  readonly app: AppDetails;
  /** Undefined if the request has no credential. */
  readonly probe: ProbeReport | undefined;
  readonly nextSteps: NextSteps;
}

export interface ListApps {
  /** Undefined: `tenants/-`. */
  readonly tenantId: string | undefined;
  /** The tenants that the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
  readonly page: PageRequest;
}

export interface UpdateApp extends AppId {
  readonly etag: string;
  readonly fields: AppFields;
  /** Paths as on the wire (`display_name`); undefined means the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}
