import type { MetadataKey } from '../../src/model/error_metadata_keys.ts';
import type { Reason } from '../../src/model/errors.ts';

/** Keys that every error of the reason has. Reasons that are absent have none. */
export const KEYS: Partial<Record<Reason, readonly MetadataKey[]>> = {
  ...Object.fromEntries(
    [
      ...['CONNECTION_PENDING', 'REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'SCOPE_NOT_GRANTED'],
      ...['ADMIN_CONSENT_REQUIRED', 'BLOCKED_BY_POLICY', 'ACCOUNT_DISABLED', 'ACCOUNT_MISMATCH'],
      ...['APP_CREDENTIAL_REJECTED', 'APP_CREDENTIAL_EXPIRED', 'APP_CREDENTIAL_PROPAGATING', 'APP_MISCONFIGURED'],
      ...['APP_IN_USE', 'TENANT_NOT_EMPTY', 'AUTHORIZATION_DECLINED', 'NO_REFRESH_TOKEN', 'REFRESH_TOKEN_REJECTED'],
      ...['TENANT_NOT_FOUND', 'APP_NOT_FOUND', 'CONNECTION_NOT_FOUND', 'CREDENTIAL_NOT_FOUND'],
      ...['TENANT_EXISTS', 'APP_EXISTS', 'CONNECTION_EXISTS', 'CREDENTIAL_EXISTS', 'ETAG_MISMATCH'],
      ...['ENTRA_UNAVAILABLE', 'ENTRA_THROTTLED'],
      ...['DATABASE_UNAVAILABLE', 'KEY_SOURCE_UNAVAILABLE', 'AUDIT_UNAVAILABLE'],
    ].map((reason) => [reason, ['resource'] as const]),
  ),
  TENANT_SUSPENDED: ['nextStep', 'resource'],
  APP_SUSPENDED: ['nextStep', 'resource'],
  CONNECTION_SUSPENDED: ['nextStep', 'resource'],
  CONTAINED: ['contained', 'nextStep', 'resource'],
  ROOT_KEY_MISSING: ['replicas', 'resource'],
  DIRECTORY_NOT_ALLOWED: ['directoryId', 'resource'],
  SCOPE_UNKNOWN: ['catalog', 'scopes', 'suggestions'],
  SCOPES_SPAN_RESOURCES: ['resources'],
  TTL_UNATTAINABLE: ['attainable', 'resource'],
  NAME_INVALID: ['field'],
  FIELD_INVALID: ['field'],
  ACCESS_DENIED: ['caller'],
  SCOPE_ABOVE_CEILING: ['above', 'resourceUri', 'rules'],
  INTERNAL: ['request'],
};
