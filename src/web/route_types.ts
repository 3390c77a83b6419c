import type { AdminConsents } from '../connect/admin_consent_use_cases.ts';
import type { Authorizations } from '../connect/authorization_use_cases.ts';
import type { Logo } from '../model/logo.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { EventGridParts } from './event_grid_secret_change_handler.ts';
import type { HttpRequest } from './http_request.ts';
import type { HttpResponse } from './http_response.ts';
import type { FailureReports } from './report_failure_page.ts';

/** One address. `pattern` has at most one group, passed on as `part`. */
export interface Route {
  readonly pattern: RegExp;
  readonly methods: Readonly<Partial<Record<'GET' | 'HEAD' | 'POST' | 'OPTIONS', Handler>>>;
}

export type Handler = (httpRequest: HttpRequest, part: string) => Promise<HttpResponse>;

/** The dependencies of the routes. */
export interface WebParts {
  readonly authorizations: Pick<Authorizations, 'describe' | 'open' | 'callback' | 'cancel' | 'findCancelled'>;
  readonly adminConsents: Pick<AdminConsents, 'describe' | 'open' | 'callback'>;
  readonly logos: { findLogo(hash: string): Promise<Logo | undefined> };
  /** Undefined: the endpoint for Azure Event Grid does not exist. */
  readonly eventGrid?: EventGridParts | undefined;
  readonly log: Log;
  readonly failures: FailureReports;
}
