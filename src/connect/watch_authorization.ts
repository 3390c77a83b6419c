import type { Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { connectionName } from '../model/connection.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import { systemTimers } from '../model/monotonic_timers.ts';
import { connectionNotFound } from '../model/not_found_errors.ts';
import type { AuthorizationProgress } from '../model/user_authorization.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { findConnection } from './find_tenant_app_and_connection.ts';
import { createProgressReader } from './read_authorization_progress.ts';

export interface WatchRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  /** Uid of the authorization. Undefined: the newest one of the connection. */
  readonly authorizationId: string | undefined;
}

export type WatchedState = 'PENDING' | 'AWAITING_CONFIRMATION' | 'GRANTED' | 'CANCELLED' | 'EXPIRED' | 'REFUSED';

export interface WatchedAuthorization {
  readonly authorizationId: string;
  readonly state: WatchedState;
  /** With REFUSED. */
  readonly reason?: Reason;
  /** When the state expires. Undefined: it is an outcome. */
  readonly expireTime?: Timestamp;
}

/** The progress of authorizations, from the row of each, so that it is the same on every replica and after a reconnection. */
export function createWatchAuthorization(parts: ConnectParts) {
  const { stores, contained, clock, every = systemTimers.every } = parts;
  const reader = createProgressReader(stores.authorizations, every);
  contained?.listen(() => reader.readNow());

  async function find(connection: Connection, authorizationId: string | undefined): Promise<AuthorizationProgress> {
    const found =
      authorizationId === undefined
        ? await stores.authorizations.findNewest(connection.uid)
        : (await stores.authorizations.readProgress([authorizationId]))[0];
    // The same error for the authorization of another connection, so that guessing reveals nothing.
    if (found?.connectionUid === connection.uid) return found;
    throw unknownAuthorization(connection);
  }

  /**
   * The state, and each change up to the outcome; completes earlier when the signal aborts. STATE_INVALID, TENANT_NOT_FOUND,
   * TENANT_SUSPENDED, CONNECTION_NOT_FOUND (also when it is deleted), CONTAINED (at any time).
   */
  return async function* watchAuthorization(
    request: WatchRequest,
    signal: AbortSignal,
  ): AsyncGenerator<WatchedAuthorization, void, void> {
    const { tenantId, authorizationId } = request;
    let progress = await find(await findConnection(stores, request), authorizationId);
    const app = contained && (await stores.apps.findByUid(progress.appUid));
    let last: WatchedState | undefined;
    while (!signal.aborted) {
      contained?.check({ tenantId, app });
      const watched = toWatched(progress, clock.now());
      if (watched.state !== last) yield watched;
      if (watched.expireTime === undefined) return;
      last = watched.state;
      const next = await reader.next(progress.uid, signal);
      if (next === 'DELETED') {
        // Rows are deleted after they have expired, or with their connection.
        if (toWatched(progress, clock.now()).state !== 'EXPIRED') throw connectionNotFound(request);
      } else if (next !== undefined && next !== 'UNREADABLE') progress = next;
    }
  };
}

function toWatched(progress: AuthorizationProgress, now: Timestamp): WatchedAuthorization {
  const { uid: authorizationId, state, failure, expireTime, confirmationExpireTime = expireTime } = progress;
  switch (state) {
    case 'OPEN':
      return now < expireTime
        ? { authorizationId, state: 'PENDING', expireTime }
        : { authorizationId, state: 'EXPIRED' };
    case 'CONSENTED':
      return now < confirmationExpireTime
        ? { authorizationId, state: 'AWAITING_CONFIRMATION', expireTime: confirmationExpireTime }
        : { authorizationId, state: 'EXPIRED' };
    case 'CONFIRMED':
      return { authorizationId, state: 'GRANTED' };
    case 'FAILED':
      return failure === 'CANCELLED'
        ? { authorizationId, state: 'CANCELLED' }
        : { authorizationId, state: 'REFUSED', reason: failure ?? 'INTERNAL' };
  }
}

function unknownAuthorization(connection: Connection): VaultError {
  const name = connectionName(connection);
  return new VaultError(
    'STATE_INVALID',
    `No such authorization of ${name} is known any more. Read its state with GetConnection, or start a new authorization.`,
    { metadata: { resource: name } },
  );
}
