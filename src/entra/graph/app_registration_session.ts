import { randomUUID } from 'node:crypto';
import { type Clock, type Duration, SECOND } from '../../model/clock.ts';
import { type App, registrationDirectory } from '../../model/entra_app.ts';
import { VaultError } from '../../model/errors.ts';
import type { HttpProxy } from '../../model/http_proxy.ts';
import type { Secret } from '../../model/secret.ts';
import type { Outcome } from '../../model/token_request_outcome.ts';
import type { RegistrationFailure } from '../app_registrations_interface.ts';
import type { Admission, AuthorizationServer } from '../entra_client_interface.ts';
import { type CustomCloud, createAuthorities } from '../entra_endpoints.ts';
import { createJsonHttp } from '../json_http_client.ts';
import type { RawTokenResponse } from '../raw_response.ts';
import { admissionFailure, tokenFailure } from './classify_graph_failure.ts';

/** Requests about one app's registration, with a token of the app itself. Nothing is retried. */
export interface GraphSession {
  /** `$select`: names of properties, separated by commas. */
  get(select: string): Promise<RawTokenResponse>;
  /** `proof`: for changes of certificates. */
  post(
    action: 'addPassword' | 'removePassword' | 'addKey' | 'removeKey',
    body: object,
    proof?: Secret,
  ): Promise<RawTokenResponse>;
}

/** A registration with many certificates is large. */
const MAX_BODY = 1024 * 1024;

export function createGraphSessions(parts: {
  authorizationServer: AuthorizationServer;
  clock: Clock;
  customCloud?: CustomCloud | undefined;
  proxy?: HttpProxy | undefined;
  options?: { readonly requestTimeout?: Duration | undefined } | undefined;
}) {
  const { authorizationServer, clock, proxy } = parts;
  const timeout = parts.options?.requestTimeout ?? 10 * SECOND;
  const authorities = createAuthorities(parts.customCloud);
  const http = createJsonHttp({ clock, options: { maxBody: MAX_BODY, connections: 8, proxy } });

  /** Releases the slot before the request to Graph: slots are for the token endpoint. */
  async function acquire(app: App, directoryId: string, resource: string): Promise<Outcome> {
    const admission = await admit(app, directoryId);
    try {
      return await admission.acquireForApp({ resource });
    } finally {
      admission.release();
    }
  }

  /** Callers have priority, and may use all slots for a long time. */
  async function admit(app: App, directoryId: string): Promise<Admission> {
    const signal = AbortSignal.timeout(timeout);
    const requester = { connectionUid: undefined, weight: 'CREDENTIAL' } as const;
    try {
      return await authorizationServer.admit({ app, directoryId, priority: 'BACKGROUND', requester, signal });
    } catch (error) {
      throw signal.aborted ? new VaultError('OVERLOADED', 'No slot for a token for Graph was free in time.') : error;
    }
  }

  function sessionOf(registration: string, token: Secret): GraphSession {
    const send = (method: 'GET' | 'POST', url: string, body?: unknown) => {
      const contentType = body === undefined ? {} : { 'content-type': 'application/json' };
      const headers = { authorization: `Bearer ${token.reveal()}`, ...contentType };
      const text = body === undefined ? undefined : JSON.stringify(body);
      return http.send(url, { method, headers, body: text, timeout, correlationId: randomUUID() });
    };
    return {
      get: (select) => send('GET', `${registration}?$select=${select}`),
      post: (action, body, proof) =>
        send('POST', `${registration}/${action}`, proof === undefined ? body : { ...body, proof: proof.reveal() }),
    };
  }

  return {
    async open(app: App): Promise<{ readonly kind: 'open'; readonly graph: GraphSession } | RegistrationFailure> {
      const directoryId = registrationDirectory(app);
      if (directoryId === undefined) return { kind: 'no_directory' };
      try {
        const { graph, graphEndpoint } = authorities.of(app.cloud, directoryId);
        const outcome = await acquire(app, directoryId, graph);
        if (outcome.kind !== 'granted') return tokenFailure(outcome);
        const registration = `${graphEndpoint}/v1.0/applications(appId='${encodeURIComponent(app.clientId)}')`;
        return { kind: 'open', graph: sessionOf(registration, outcome.accessToken.token) };
      } catch (error) {
        return admissionFailure(error);
      }
    },
    close: http.close,
  };
}
