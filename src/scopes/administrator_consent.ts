import type { PermissionsByResource } from '../model/connection.ts';
import { serviceOf } from '../model/resource.ts';

/**
 * Permissions to which users may not consent for themselves where a directory leaves its consent settings to Microsoft,
 * which is the default (`microsoft-user-default-recommended`, filled between July 2025 and July 2026). A verified publisher
 * changes nothing in it. Mail clients on a list of Microsoft's are excepted.
 * https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
 */
const OF_GRAPH =
  /^(?:Files\.Read(?:Write)?\.All|Sites\.Read(?:Write)?\.All|Mail\.Read(?:Write|Basic)?(?:\.Shared)?|MailboxItem\.Read|MailboxFolder\..+|MailboxSettings\..+|Calendars\.Read(?:Write|Basic)?(?:\.Shared)?|Chat\.Read(?:Write)?|OnlineMeetings\..+|Contacts\.ReadWrite(?:\.Shared)?|Contacts\.Read\.Shared|Tasks\..+|People\.Read)$/i;
const OF_OUTLOOK = /^(?:EAS|EWS|IMAP|POP)\.AccessAsUser\.All$/i;

/** Those of the permissions, in full form, to which by default an administrator must consent. */
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
