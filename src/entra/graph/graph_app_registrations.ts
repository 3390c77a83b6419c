import { X509Certificate } from 'node:crypto';
import type { CertificateMaterial } from '../../model/app_credential.ts';
import type { Clock, Duration } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import type { HttpProxy } from '../../model/http_proxy.ts';
import type { KeyVaultCertificates } from '../../model/key_vault_certificates.ts';
import type { AppRegistrations, RegistrationFailure } from '../app_registrations_interface.ts';
import type { AuthorizationServer } from '../entra_client_interface.ts';
import type { CustomCloud } from '../entra_endpoints.ts';
import { noKeyVaultCertificates } from '../exchange/create_client_authentication.ts';
import type { RawTokenResponse } from '../raw_response.ts';
import { createGraphSessions, type GraphSession } from './app_registration_session.ts';
import { admissionFailure, graphFailure } from './classify_graph_failure.ts';
import { readAddedKeyId, readAddedPassword, readRegistered } from './parse_graph_credentials.ts';
import { createProofs } from './proof_of_possession.ts';

/** Metrics about requests to Graph. */
export interface GraphMetrics {
  /** Operations: `read`, `add_password`, `remove_password`, `add_key`, `remove_key`. Outcomes: the `kind` of the result. */
  requested(operation: string, outcome: string): void;
}

/** App registrations through Microsoft Graph v1.0, as the app itself. */
export function createAppRegistrations(parts: {
  authorizationServer: AuthorizationServer;
  clock: Clock;
  customCloud?: CustomCloud | undefined;
  proxy?: HttpProxy | undefined;
  /** For proofs by certificates in a key vault. Default: one that fails. */
  certificates?: Pick<KeyVaultCertificates, 'sign'> | undefined;
  metrics?: GraphMetrics | undefined;
  options?: {
    /** One request to Graph, all of it. Default 10 s. */
    readonly requestTimeout?: Duration | undefined;
  };
}): AppRegistrations & { close(): Promise<void> } {
  const { clock, metrics, certificates = noKeyVaultCertificates } = parts;
  const proofOf = createProofs({ clock, certificates });
  const sessions = createGraphSessions(parts);

  async function withSession<Done extends { readonly kind: string }>(
    operation: string,
    app: App,
    run: (graph: GraphSession) => Promise<Done | RegistrationFailure>,
  ): Promise<Done | RegistrationFailure> {
    const opened = await sessions.open(app);
    const outcome = opened.kind === 'open' ? await run(opened.graph) : opened;
    metrics?.requested(operation, outcome.kind);
    return outcome;
  }

  async function read(graph: GraphSession) {
    const response = await graph.get(FIELDS);
    const registration = isSuccess(response) ? readRegistered(response.body) : undefined;
    if (registration === undefined) return graphFailure(response, clock.now());
    return { kind: 'registered', registration } as const;
  }

  /** `Authentication_MissingOrMalformed`: Graph does not accept the proof. */
  async function postWithProof(
    graph: GraphSession,
    action: 'addKey' | 'removeKey',
    proofBy: CertificateMaterial,
    body: object,
  ): Promise<RawTokenResponse | RegistrationFailure> {
    const found = await read(graph);
    if (found.kind !== 'registered') return found;
    try {
      return await graph.post(action, body, await proofOf(found.registration, proofBy));
    } catch (error) {
      return admissionFailure(error);
    }
  }

  async function remove(graph: GraphSession, keyId: string, response: RawTokenResponse) {
    if (isSuccess(response)) return { kind: 'removed' } as const;
    const failure = graphFailure(response, clock.now());
    const mayBeAbsent = response.status === 400 || response.status === 404;
    return mayBeAbsent && failure.kind !== 'unavailable' ? checkAbsence(graph, keyId, failure) : failure;
  }

  /** For an unknown key id, Graph returns 400 with a message that may change, so the list of credentials decides. */
  async function checkAbsence(graph: GraphSession, keyId: string, failure: RegistrationFailure) {
    const found = await read(graph);
    if (found.kind !== 'registered') return found;
    const { passwords, certificates } = found.registration;
    const isPresent = [...passwords, ...certificates].some((one) => one.keyId === keyId.toLowerCase());
    if (!isPresent) return { kind: 'absent' } as const;
    // Replicas of Graph disagree for a while after a change.
    const code = 'code' in failure ? failure.code : undefined;
    return { kind: 'unavailable', code, retryAfter: undefined } as const;
  }

  return {
    read: (app) => withSession('read', app, read),
    addPassword: (app, { displayName, endTime }) =>
      withSession('add_password', app, async (graph) => {
        const passwordCredential = { displayName, endDateTime: new Date(endTime).toISOString() };
        const response = await graph.post('addPassword', { passwordCredential });
        const password = isSuccess(response) ? readAddedPassword(response.body, endTime) : undefined;
        return password === undefined ? graphFailure(response, clock.now()) : { kind: 'added', password };
      }),
    removePassword: (app, keyId) =>
      withSession('remove_password', app, async (graph) => {
        return remove(graph, keyId, await graph.post('removePassword', { keyId }));
      }),
    addCertificate: (app, { certificate, proofBy }) =>
      withSession('add_key', app, async (graph) => {
        const key = new X509Certificate(certificate).raw.toString('base64');
        const keyCredential = { type: 'AsymmetricX509Cert', usage: 'Verify', key };
        const response = await postWithProof(graph, 'addKey', proofBy, { keyCredential, passwordCredential: null });
        if ('kind' in response) return response;
        if (!isSuccess(response)) return graphFailure(response, clock.now());
        return { kind: 'added', keyId: readAddedKeyId(response.body) };
      }),
    removeCertificate: (app, keyId, proofBy) =>
      withSession('remove_key', app, async (graph) => {
        const response = await postWithProof(graph, 'removeKey', proofBy, { keyId });
        return 'kind' in response ? response : remove(graph, keyId, response);
      }),
    close: sessions.close,
  };
}

/** Graph returns `key`, the certificate itself, for a single application and with `$select` only. */
const FIELDS = 'id,appId,passwordCredentials,keyCredentials';

function isSuccess({ status = 0 }: RawTokenResponse): boolean {
  return status >= 200 && status < 300;
}
