import { appName } from './connection.ts';
import { VaultError } from './errors.ts';

/** What an operator named, and is not there. */
export function tenantNotFound(tenantId: string): VaultError {
  const name = `tenants/${tenantId}`;
  return new VaultError('TENANT_NOT_FOUND', `there is no ${name}; register it, or look for its name with ListTenants`, {
    metadata: { resource: name },
  });
}

export function appNotFound(app: Parameters<typeof appName>[0]): VaultError {
  const name = appName(app);
  return new VaultError('APP_NOT_FOUND', `there is no ${name}; create it, or look for its name with ListApps`, {
    metadata: { resource: name },
  });
}
