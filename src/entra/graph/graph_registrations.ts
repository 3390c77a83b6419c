import type { App } from '../../model/app.ts';
import type { Clock, Duration } from '../../model/clock.ts';
import type { HttpProxy } from '../../model/http_proxy.ts';
import type { AppRegistrations, RegistrationFailure } from '../app_registrations.ts';
import type { CustomCloud } from '../authority.ts';
import type { AuthorizationServer } from '../authorization_server.ts';
import type { RawTokenResponse } from '../token_response.ts';
import { readAddedPassword, readRegistered } from './graph_credentials.ts';
import { graphFailure } from './graph_error.ts';
import { type GraphMetrics, silentGraphMetrics } from './graph_metrics.ts';
import { createGraphSessions, type GraphSession } from './graph_session.ts';

/** Through Microsoft Graph v1.0, as the app itself. */
export function createAppRegistrations(parts: {
  authorizationServer: AuthorizationServer;
  clock: Clock;
  customCloud?: CustomCloud | undefined;
  proxy?: HttpProxy | undefined;
  metrics?: GraphMetrics | undefined;
  options?: {
    /** One request to Graph, all of it. Default 10 s. */
    readonly requestTimeout?: Duration | undefined;
  };
}): AppRegistrations & { close(): Promise<void> } {
  const { clock, metrics = silentGraphMetrics } = parts;
  const sessions = createGraphSessions(parts);

  /** Counts what it came to. */
  async function withSession<Done extends { readonly kind: string }>(
    operation: string,
    app: App,
    run: (graph: GraphSession) => Promise<Done | RegistrationFailure>,
  ): Promise<Done | RegistrationFailure> {
    const opened = await sessions.open(app);
    const outcome = opened.kind === 'open' ? await run(opened.graph) : opened;
    metrics.requested(operation, outcome.kind);
    return outcome;
  }

  return {
    read: (app) => withSession('read', app, (graph) => readRegistration(graph, clock)),
    addPassword: (app, { displayName, endTime }) =>
      withSession('add_password', app, async (graph) => {
        const passwordCredential = { displayName, endDateTime: new Date(endTime).toISOString() };
        const response = await graph.post('addPassword', { passwordCredential });
        const password = isFine(response) ? readAddedPassword(response.body, endTime) : undefined;
        return password === undefined ? graphFailure(response, clock.now()) : { kind: 'added', password };
      }),
    removePassword: (app, keyId) =>
      withSession('remove_password', app, async (graph) => {
        const response = await graph.post('removePassword', { keyId });
        if (isFine(response)) return { kind: 'removed' };
        const refusal = graphFailure(response, clock.now());
        return mayBeAbsence(response, refusal) ? checkAbsence(graph, keyId, refusal) : refusal;
      }),
    close: () => sessions.close(),
  };

  /** Of a key id that it does not know Graph says so in its message alone (400 `Request_BadRequest`), which may change: its list decides. */
  async function checkAbsence(graph: GraphSession, keyId: string, refusal: RegistrationFailure) {
    const found = await readRegistration(graph, clock);
    if (found.kind !== 'registered') return found;
    const isThere = found.registration.passwords.some((password) => password.keyId === keyId.toLowerCase());
    if (!isThere) return { kind: 'absent' } as const;
    // Replicas of Graph disagree for a while after a change.
    const code = 'code' in refusal ? refusal.code : undefined;
    return { kind: 'unavailable', code, retryAfter: undefined } as const;
  }
}

/** `key`, the certificate itself, comes for a single application and by `$select` alone. */
const FIELDS = 'id,appId,passwordCredentials,keyCredentials';

async function readRegistration(graph: GraphSession, clock: Clock) {
  const response = await graph.get(FIELDS);
  const registration = isFine(response) ? readRegistered(response.body) : undefined;
  if (registration === undefined) return graphFailure(response, clock.now());
  return { kind: 'registered', registration } as const;
}

function isFine({ status = 0 }: RawTokenResponse): boolean {
  return status >= 200 && status < 300;
}

function mayBeAbsence({ status }: RawTokenResponse, { kind }: RegistrationFailure): boolean {
  return (status === 400 || status === 404) && kind !== 'unavailable';
}
