import { type App, homeDirectory } from '../model/app.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import { checkDirectory } from './account_check.ts';
import { checkDirectoryId } from './directory_id.ts';

/** The directory that a request names, if tenant and app allow it. FIELD_INVALID, DIRECTORY_NOT_ALLOWED. */
export function namedDirectory(tenant: Tenant, app: App, directoryId: string | undefined): string | undefined {
  if (directoryId === undefined) return undefined;
  checkDirectoryId('directory_id', directoryId);
  checkDirectory(tenant, directoryId);
  const home = homeDirectory(app);
  if (home !== undefined && home.toLowerCase() !== directoryId.toLowerCase()) {
    throw fieldInvalid('directory_id', `the app serves directory ${home} alone; leave it out, or name that one`);
  }
  return directoryId;
}
