import type { Authorizations } from './authorizations.ts';
import { createCallback } from './browser_callback.ts';
import { completeAuthorization } from './complete_authorization.ts';
import { confirmAuthorization } from './confirm_authorization.ts';
import type { ConnectParts } from './connect_parts.ts';
import { counted } from './counted.ts';
import { describeLink, openAuthorizationLink } from './open_authorization_link.ts';
import { startAuthorization } from './start_authorization.ts';

export function createAuthorizations(parts: ConnectParts): Authorizations {
  const ended = (outcome: string) => parts.metrics?.authorizationEnded(outcome);
  return {
    start: (request) => startAuthorization(parts, request),
    describe: (handle, trace) => describeLink(parts, handle, trace),
    open: (handle, trace) => openAuthorizationLink(parts, handle, trace),
    complete: (request) => counted(ended, () => completeAuthorization(parts, request)),
    callback: createCallback(parts),
    confirm: (request) => confirmAuthorization(parts, request),
  };
}
