import type { App, Cloud } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import type { Credential } from '../model/credential.ts';
import type { PageRequest } from '../model/page.ts';
import type { Rotation } from '../model/rotation.ts';
import type { CredentialRequest } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';
import type { RotationRequest } from './rotation_policy.ts';

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
