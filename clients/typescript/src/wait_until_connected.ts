import {
  ConnectionService,
  WatchAuthorizationResponse_State as State,
  type WatchAuthorizationResponse,
} from './gen/tokenvault/v1/connection_service_pb.ts';
import { reopenedStream } from './reopened_stream.ts';
import { TokenVaultError } from './token_vault_error.ts';
import type { VaultCalls } from './vault_calls.ts';

/** The user to wait for. */
export interface ConnectionToWaitFor {
  /** `tenants/{tenant}/connections/{connection}`. */
  readonly connection: string;
  /** The one of `connect`. Default: what was started last for the connection. */
  readonly authorizationId?: string | undefined;
}

/** Resolves when the grant is in use. Fails with the outcome otherwise. */
export async function waitUntilConnected(
  calls: VaultCalls,
  { connection, authorizationId = '' }: ConnectionToWaitFor,
  signal: AbortSignal,
): Promise<void> {
  // The first response names it, so that a stream that is opened again is about the same authorization.
  let watched = authorizationId;
  const open = () =>
    calls.stream(ConnectionService.method.watchAuthorization, { connection, authorizationId: watched }, signal);
  for await (const response of reopenedStream(open, signal)) {
    watched = response.authorizationId;
    if (response.state === State.GRANTED) return;
    const failure = failureOf(connection, response);
    if (failure !== undefined) throw failure;
  }
  throw new DOMException('The wait for a user was aborted.', 'AbortError');
}

/** Undefined: not an outcome. */
function failureOf(connection: string, { state, reason }: WatchAuthorizationResponse): TokenVaultError | undefined {
  const facts = { code: 'FAILED_PRECONDITION', metadata: { resource: connection } } as const;
  const ended = (message: string, reason: string) =>
    new TokenVaultError(message, { ...facts, reason, whoActs: 'user' });
  switch (state) {
    case State.CANCELLED:
      return ended(`The user cancelled, so ${connection} is not connected.`, 'AUTHORIZATION_CANCELLED');
    case State.EXPIRED:
      return ended(`The link to connect ${connection} has expired. Send another one.`, 'AUTHORIZATION_EXPIRED');
    case State.REFUSED:
      return new TokenVaultError(`${connection} is not connected [${reason}].`, { ...facts, reason });
    default:
      return undefined;
  }
}
