import { createAdminConsentCallback } from './admin_consent_callback.ts';
import type { AdminConsents } from './admin_consents.ts';
import type { ConnectParts } from './connect_parts.ts';
import { describeAdminConsent, openAdminConsent } from './open_admin_consent.ts';
import { startAdminConsent } from './start_admin_consent.ts';

export function createAdminConsents(parts: ConnectParts): AdminConsents {
  return {
    start: (request) => startAdminConsent(parts, request),
    describe: (handle, trace) => describeAdminConsent(parts, handle, trace),
    open: (handle, trace) => openAdminConsent(parts, handle, trace),
    callback: createAdminConsentCallback(parts),
  };
}
