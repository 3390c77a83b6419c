import type { AdminConsent } from '../model/admin_consent.ts';
import type { App } from '../model/app.ts';
import type { Tenant } from '../model/tenant.ts';
import type { AdminConsentDescription } from './admin_consents.ts';
import type { ConnectParts } from './connect_parts.ts';
import { mintConsentState } from './new_admin_consent.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import { described } from './product.ts';
import { findAppByUid, findTenant } from './standing.ts';
import { stateInvalid } from './state_invalid.ts';

/** The button was pressed: a state is minted now, so that a mail scanner's visit uses nothing up. */
export async function openAdminConsent(parts: ConnectParts, handle: string): Promise<string> {
  const { consent, app } = await findOpen(parts, handle);
  const { minted, adminConsentUri } = mintConsentState(parts, { app, consent, now: parts.clock.now() });
  await parts.stores.adminConsents.renewState(consent.uid, minted);
  return adminConsentUri;
}

export async function describeAdminConsent(parts: ConnectParts, handle: string): Promise<AdminConsentDescription> {
  const { consent, tenant, app } = await findOpen(parts, handle);
  const { productScopes, expireTime } = consent;
  return { ...described(parts, { tenant, app, productScopes }), expireTime };
}

async function findOpen(
  { stores, clock }: ConnectParts,
  handle: string,
): Promise<{ consent: AdminConsent; tenant: Tenant; app: App }> {
  const consent = isOneTimeToken(handle)
    ? await stores.adminConsents.findByHandle(hashOneTimeToken(handle))
    : undefined;
  if (consent?.state !== 'OPEN' || consent.expireTime <= clock.now()) throw stateInvalid('link');
  const tenant = await findTenant(stores, consent.tenantId);
  return { consent, tenant, app: await findAppByUid(stores, tenant, consent.appUid) };
}
