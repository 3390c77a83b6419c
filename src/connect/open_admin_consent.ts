import type { AdminConsent } from '../model/admin_consent.ts';
import type { App } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import type { Tenant } from '../model/tenant.ts';
import { findAppByUid, findTenant } from './active_lookup.ts';
import type { AdminConsentDescription } from './admin_consents.ts';
import type { ConnectParts } from './connect_parts.ts';
import { mintConsentState } from './new_admin_consent.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import { described } from './product.ts';
import { stateInvalid } from './state_invalid.ts';

/** The button was pressed: a state is minted now, so that a mail scanner's visit uses nothing up. */
export async function openAdminConsent(parts: ConnectParts, handle: string, trace?: PageTrace): Promise<string> {
  const { consent, app } = await findOpen(parts, handle, trace);
  const { minted, adminConsentUri } = mintConsentState(parts, { app, consent, now: parts.clock.now() });
  await parts.stores.adminConsents.renewState(consent.uid, minted);
  return adminConsentUri;
}

export async function describeAdminConsent(
  parts: ConnectParts,
  handle: string,
  trace?: PageTrace,
): Promise<AdminConsentDescription> {
  const { consent, tenant, app } = await findOpen(parts, handle, trace);
  const { productScopes, expireTime } = consent;
  return { ...described(parts, { tenant, app, productScopes }), expireTime };
}

async function findOpen(
  { stores, clock }: ConnectParts,
  handle: string,
  trace: PageTrace | undefined,
): Promise<{ consent: AdminConsent; tenant: Tenant; app: App }> {
  const consent = isOneTimeToken(handle)
    ? await stores.adminConsents.findByHandle(hashOneTimeToken(handle))
    : undefined;
  if (consent?.state !== 'OPEN' || consent.expireTime <= clock.now()) throw stateInvalid('link');
  const known = trace && (await stores.apps.findByUid(consent.appUid));
  if (trace !== undefined) trace.resource = known ? appName(known) : `tenants/${consent.tenantId}`;
  const tenant = await findTenant(stores, consent.tenantId);
  return { consent, tenant, app: await findAppByUid(stores, tenant, consent.appUid) };
}
