import { VaultError } from '../../model/errors.ts';
import { CONNECTION_ID, RESOURCE_ID } from '../../model/id_patterns.ts';

/** Resource names (AIP-122) and the ids in them. `field` is the request field of the name. */
const ID = RESOURCE_ID.source.slice(1, -1);
const TENANT = new RegExp(`^tenants/(${ID})$`);
const APP = new RegExp(`^tenants/(${ID})/apps/(${ID})$`);
const CREDENTIAL = new RegExp(`^tenants/(${ID})/apps/(${ID})/credentials/(${ID})$`);
const CONNECTION = new RegExp(`^tenants/(${ID})/connections/(${CONNECTION_ID.source.slice(1, -1)})$`);

export interface AppIds {
  readonly tenantId: string;
  readonly appId: string;
}

export interface CredentialIds extends AppIds {
  readonly credentialId: string;
}

export interface ConnectionIds {
  readonly tenantId: string;
  readonly connectionId: string;
}

export function credentialName(ids: CredentialIds): string {
  return `tenants/${ids.tenantId}/apps/${ids.appId}/credentials/${ids.credentialId}`;
}

export function parseTenantName(field: string, name: string): string {
  const [, tenantId] = TENANT.exec(name) ?? [];
  if (tenantId === undefined) throw nameInvalid(field, 'tenants/{tenant}');
  return tenantId;
}

/** Undefined for `tenants/-`: all tenants that the caller may see (AIP-159). */
export function parseParent(field: string, name: string): string | undefined {
  return name === 'tenants/-' ? undefined : parseTenantName(field, name);
}

export function parseAppName(field: string, name: string): AppIds {
  const [, tenantId, appId] = APP.exec(name) ?? [];
  if (tenantId === undefined || appId === undefined) throw nameInvalid(field, 'tenants/{tenant}/apps/{app}');
  return { tenantId, appId };
}

export function parseCredentialName(field: string, name: string): CredentialIds {
  const [, tenantId, appId, credentialId] = CREDENTIAL.exec(name) ?? [];
  if (tenantId === undefined || appId === undefined || credentialId === undefined)
    throw nameInvalid(field, 'tenants/{tenant}/apps/{app}/credentials/{credential}');
  return { tenantId, appId, credentialId };
}

export function parseConnectionName(field: string, name: string): ConnectionIds {
  const [, tenantId, connectionId] = CONNECTION.exec(name) ?? [];
  if (tenantId === undefined || connectionId === undefined)
    throw nameInvalid(field, 'tenants/{tenant}/connections/{connection}');
  return { tenantId, connectionId };
}

/** An id for a new resource name, in its own field (`tenant_id`). */
export function checkId(field: string, id: string): string {
  if (RESOURCE_ID.test(id)) return id;
  throw new VaultError(
    'NAME_INVALID',
    `${field}: must be at most 63 lower-case letters, digits and dashes, beginning with a letter`,
    { metadata: { field } },
  );
}

/** The value is not quoted, because a caller can send any text. */
function nameInvalid(field: string, form: string): VaultError {
  const ids = form.endsWith('{connection}')
    ? 'with a tenant of lower-case letters, digits and dashes, and a connection of at most 128 letters, digits and . _ ~ | -'
    : 'with ids of at most 63 lower-case letters, digits and dashes, beginning with a letter';
  return new VaultError('NAME_INVALID', `${field}: must have the form ${form}, ${ids}`, {
    metadata: { field, form },
  });
}
