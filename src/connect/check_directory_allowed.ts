import { type App, homeDirectory } from '../model/entra_app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { GUID } from '../model/id_patterns.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';

/** A directory id becomes part of an Entra URL, so only a GUID is accepted. FIELD_INVALID. */
export function checkDirectoryId(field: string, directoryId: string): void {
  if (!GUID.test(directoryId)) throw fieldInvalid(field, 'must be the id (GUID) of a directory');
}

/** DIRECTORY_NOT_ALLOWED: the tenant accepts accounts of some directories only. */
export function checkDirectory(tenant: Tenant, directoryId: string): void {
  if (allowsDirectory(tenant, directoryId)) return;
  throw new VaultError(
    'DIRECTORY_NOT_ALLOWED',
    `tenants/${tenant.tenantId} does not accept accounts of directory ${directoryId}. Use another account, or add the directory to allowedDirectoryIds.`,
    { metadata: { directoryId } },
  );
}

/** The directory that a request names, if tenant and app allow it. FIELD_INVALID, DIRECTORY_NOT_ALLOWED. */
export function namedDirectory(tenant: Tenant, app: App, directoryId: string | undefined): string | undefined {
  if (directoryId === undefined) return undefined;
  checkDirectoryId('directory_id', directoryId);
  checkDirectory(tenant, directoryId);
  const home = homeDirectory(app);
  if (home === undefined || home.toLowerCase() === directoryId.toLowerCase()) return directoryId;
  throw fieldInvalid(
    'directory_id',
    `the app serves only directory ${home}. Name that directory, or leave the field out.`,
  );
}
