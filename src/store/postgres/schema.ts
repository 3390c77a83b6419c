import { defineTables } from '../tables.ts';
import { postgresColumns } from './columns.ts';

export const {
  tenants,
  apps,
  appLogos,
  credentials,
  rotations,
  connections,
  accessTokens,
  authorizations,
  authorizationAttempts,
  adminConsents,
  outbox,
  sinks,
  deliveries,
  leases,
  deks,
  meta,
} = defineTables(postgresColumns);
