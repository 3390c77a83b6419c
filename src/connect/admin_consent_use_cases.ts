import { createAdminConsentCallback } from './admin_consent_callback.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { createAdminConsentLink } from './describe_and_open_consent_links.ts';
import { type StartAdminConsent, startAdminConsent } from './start_admin_consent.ts';

/** An administrator's consent for a whole directory. It creates no connection: each user connects afterwards. */
export type AdminConsents = ReturnType<typeof createAdminConsents>;

export function createAdminConsents(parts: ConnectParts) {
  return {
    start: (request: StartAdminConsent) => startAdminConsent(parts, request),
    ...createAdminConsentLink(parts),
    callback: createAdminConsentCallback(parts),
  };
}
