import { appName, connectionName } from './connection.ts';
import { VaultError } from './errors.ts';

/** Errors for a resource name without a resource, by kind of resource. */
export function tenantNotFound(tenantId: string): VaultError {
  return notFound('TENANT_NOT_FOUND', `tenants/${tenantId}`, 'Register it, or find its name with ListTenants.');
}

export function appNotFound(app: Parameters<typeof appName>[0]): VaultError {
  return notFound('APP_NOT_FOUND', appName(app), 'Create it with CreateApp, or find its name with ListApps.');
}

export function connectionNotFound(connection: Parameters<typeof connectionName>[0]): VaultError {
  return notFound('CONNECTION_NOT_FOUND', connectionName(connection), 'Connect the user with StartAuthorization.');
}

function notFound(
  reason: 'TENANT_NOT_FOUND' | 'APP_NOT_FOUND' | 'CONNECTION_NOT_FOUND',
  resource: string,
  next: string,
) {
  return new VaultError(reason, `${resource} does not exist. ${next}`, { metadata: { resource } });
}
