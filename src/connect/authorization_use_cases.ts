import { counted } from './audit_browser_callback.ts';
import { createAuthorizationCallback } from './authorization_callback.ts';
import { createCancellation } from './cancel_authorization.ts';
import { type CompleteRequest, completeAuthorization } from './complete_authorization_from_product_callback.ts';
import { type ConfirmRequest, confirmAuthorization } from './confirm_authorization.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { createAuthorizationLink } from './describe_and_open_consent_links.ts';
import { type StartRequest, startAuthorization } from './start_authorization.ts';
import { createWatchAuthorization } from './watch_authorization.ts';

/** A user's consent, from the product's request to the activated grant. */
export type Authorizations = ReturnType<typeof createAuthorizations>;

export function createAuthorizations(parts: ConnectParts) {
  const count = (outcome: string) => parts.metrics?.authorizationEnded(outcome);
  return {
    start: (request: StartRequest) => startAuthorization(parts, request),
    ...createAuthorizationLink(parts),
    ...createCancellation(parts),
    complete: (request: CompleteRequest) => counted(count, () => completeAuthorization(parts, request)),
    callback: createAuthorizationCallback(parts),
    watch: createWatchAuthorization(parts),
    confirm: (request: ConfirmRequest) => confirmAuthorization(parts, request),
  };
}
