import { randomBytes, randomUUID } from 'node:crypto';

/** Ids of tenants, apps and credentials; people choose and type them. */
export const RESOURCE_ID = /^[a-z][a-z0-9-]{0,62}$/;

/** Ids of connections: products use their own user ids. */
export const CONNECTION_ID = /^[A-Za-z0-9._~|-]{1,128}$/;

/** Entra's ids of apps, directories and users. */
export const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Random and never reused. Every WHERE, cache key and AAD contains the uid, not the name. */
export function newUid(): string {
  return randomUUID();
}

/** 128 random bits in hexadecimal. Unlike a counter, it does not repeat after a crash that lost the last commits. */
export function newLeaseId(): string {
  return randomBytes(16).toString('hex');
}
