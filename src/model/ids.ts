import { randomUUID } from 'node:crypto';

/** Ids of tenants, apps and credentials: chosen by people and typed by hand. */
export const RESOURCE_ID = /^[a-z][a-z0-9-]{0,62}$/;

/** Ids of connections: products use their own user ids. */
export const CONNECTION_ID = /^[A-Za-z0-9._~|-]{1,128}$/;

/** Ids of Entra's: of apps, directories and users. */
export const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A uid is random and never reused; it, not the name, stands in every WHERE, cache key and AAD. */
export function newUid(): string {
  return randomUUID();
}
