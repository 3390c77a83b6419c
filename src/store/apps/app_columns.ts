import type { Tables } from '../tables.ts';

/** What is said of the app beside its credential. */
export function appColumns({ uid, tenantUid, tenantId, appId, clientId, displayName }: Tables['apps']) {
  return { uid, tenantUid, tenantId, appId, clientId, displayName };
}
