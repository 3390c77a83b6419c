import { defineTables } from '../table_definitions.ts';
import { postgresColumns } from './column_types.ts';

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
  feed,
  changes,
  replicas,
  auditStreams,
  commits,
  deks,
  meta,
} = defineTables(postgresColumns);
