import type { AdminConsents } from '../connect/admin_consents.ts';
import type { Authorizations } from '../connect/authorizations.ts';
import type { Logos } from '../connect/logos.ts';
import type { Log } from '../telemetry/log.ts';
import type { EventGridParts } from './event_grid_parts.ts';
import type { PageAudit } from './page_audit.ts';

/** What this room is given to work with. */
export interface WebParts {
  readonly authorizations: Pick<Authorizations, 'describe' | 'open' | 'callback'>;
  readonly adminConsents: Pick<AdminConsents, 'describe' | 'open' | 'callback'>;
  readonly logos: Logos;
  /** Undefined: events of Azure Event Grid are not taken. */
  readonly eventGrid?: EventGridParts | undefined;
  readonly log: Log;
  /** Undefined: pages are not audited. */
  readonly audit?: PageAudit | undefined;
}
