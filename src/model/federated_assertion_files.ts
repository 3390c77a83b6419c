import type { Duration } from './clock.ts';
import type { Secret } from './secret.ts';

/** Files with tokens of other identity providers (federated credentials), which the platform projects and replaces. */
export interface AssertionFiles {
  /**
   * When a credential is added; a missing file is accepted. FIELD_INVALID (`field`): the operator does not allow the file for apps of
   * this tenant, or it is no assertion file.
   */
  check(field: string, file: AssertionFile): Promise<void>;
  /** At each use, since the platform may replace the file at any time. FIELD_INVALID; KEY_SOURCE_UNAVAILABLE: not read in time. */
  read(file: AssertionFile, timeout: Duration): Promise<Secret>;
}

export interface AssertionFile {
  /** Of the app. */
  readonly tenantId: string;
  readonly path: string;
}

/** A file, or a folder with its content, that the operator allows. */
export interface AllowedAssertionFiles {
  /** Undefined: `path` names the tenant by its part `{tenant}`. */
  readonly tenantId: string | undefined;
  /** Absolute and normalized, without a slash at the end. */
  readonly path: string;
}

/** Stands for the tenant's id in a path. */
export const TENANT_PART = '{tenant}';
