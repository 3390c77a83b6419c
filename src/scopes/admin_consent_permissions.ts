import type { PermissionsByResource } from '../model/connection.ts';
import { serviceOf } from '../model/microsoft_resource_uri.ts';

/**
 * Permissions to which users cannot consent for themselves under Microsoft's default consent settings
 * (`microsoft-user-default-recommended`, extended between July 2025 and July 2026). Publisher verification does not
 * change this; mail clients on a list of Microsoft are exempt.
 * https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
 */
const OF_GRAPH =
  /^(?:Files\.Read(?:Write)?\.All|Sites\.Read(?:Write)?\.All|Mail\.Read(?:Write|Basic)?(?:\.Shared)?|MailboxItem\.Read|MailboxFolder\..+|MailboxSettings\..+|Calendars\.Read(?:Write|Basic)?(?:\.Shared)?|Chat\.Read(?:Write)?|OnlineMeetings\..+|Contacts\.ReadWrite(?:\.Shared)?|Contacts\.Read\.Shared|Tasks\..+|People\.Read)$/i;
const OF_OUTLOOK = /^(?:EAS|EWS|IMAP|POP)\.AccessAsUser\.All$/i;

/** The permissions, in full form, to which by default an administrator must consent. */
export function administratorConsents(permissions: PermissionsByResource): readonly string[] {
  return Object.entries(permissions).flatMap(([resource, names]) =>
    names.filter((name) => isReserved(resource, name)).map((name) => `${resource}/${name}`),
  );
}

function isReserved(resource: string, name: string): boolean {
  switch (serviceOf(resource)) {
    case 'graph':
      return OF_GRAPH.test(name);
    case 'outlook':
      return OF_OUTLOOK.test(name);
    case undefined:
      return false;
  }
}
