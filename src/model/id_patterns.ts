import { randomBytes, randomUUID } from 'node:crypto';

/** Ids of tenants, apps and credentials; people choose and type them. */
export const RESOURCE_ID = /^[a-z][a-z0-9-]{0,62}$/;

/** Ids of connections: products use their own user ids. */
export const CONNECTION_ID = /^[A-Za-z0-9._~|-]{1,128}$/;

/** Entra's ids of apps, directories and users. */
export const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Never reused: 74 random bits. Every WHERE, cache key and AAD contains the uid, not the name. A UUID of version 7
 * (RFC 9562) begins with the time, so that rows that are written together are adjacent in the index of the uid.
 */
export function newUid(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** 128 random bits in hexadecimal. Unlike a counter, it does not repeat after a crash that lost the last commits. */
export function newLeaseId(): string {
  return randomBytes(16).toString('hex');
}
