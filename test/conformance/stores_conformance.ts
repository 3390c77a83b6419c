import { describe } from 'vitest';
import { adminConsentsConformance } from './admin_consents_conformance.ts';
import { appProblemsConformance } from './app_problems_conformance.ts';
import { appsConformance } from './apps_conformance.ts';
import { auditConformance } from './audit_conformance.ts';
import { authorizationsConformance } from './authorizations_conformance.ts';
import { boundNamesConformance } from './bound_names_conformance.ts';
import { changesConformance } from './changes_conformance.ts';
import { connectionsConformance } from './connections_conformance.ts';
import { containmentsConformance } from './containments_conformance.ts';
import { credentialsConformance } from './credentials_conformance.ts';
import { deliveriesConformance } from './deliveries_conformance.ts';
import { eventNumbersConformance } from './event_numbers_conformance.ts';
import { expiryConformance } from './expiry_conformance.ts';
import { grantsConformance } from './grants_conformance.ts';
import { inspectionsConformance } from './inspections_conformance.ts';
import { leasesConformance } from './leases_conformance.ts';
import { outboxConformance } from './outbox_conformance.ts';
import { replicasConformance } from './replicas_conformance.ts';
import { rootKeysConformance } from './root_keys_conformance.ts';
import { rotationsConformance } from './rotations_conformance.ts';
import { tenantKeysConformance } from './tenant_keys_conformance.ts';
import { tenantsConformance } from './tenants_conformance.ts';
import { usageConformance } from './usage_conformance.ts';
import type { Open } from './vault_under_test.ts';

/** What every database behind the stores must do. `open` gives a new, empty one each time. */
export function storesConformance(name: string, open: Open): void {
  describe(name, () => {
    tenantsConformance(open);
    boundNamesConformance(open);
    appsConformance(open);
    credentialsConformance(open);
    connectionsConformance(open);
    grantsConformance(open);
    authorizationsConformance(open);
    adminConsentsConformance(open);
    outboxConformance(open);
    eventNumbersConformance(open);
    changesConformance(open);
    replicasConformance(open);
    containmentsConformance(open);
    usageConformance(open);
    expiryConformance(open);
    inspectionsConformance(open);
    rotationsConformance(open);
    deliveriesConformance(open);
    appProblemsConformance(open);
    leasesConformance(open);
    auditConformance(open);
    rootKeysConformance(open);
    tenantKeysConformance(open);
  });
}
