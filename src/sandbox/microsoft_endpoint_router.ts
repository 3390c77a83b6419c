import type { ServerResponse } from 'node:http';
import type { EndpointCall } from './endpoint_call.ts';
import { answerAdminConsent, refuseAdminConsent } from './endpoints/admin_consent_endpoint.ts';
import { answerWithFault } from './endpoints/answer_with_fault.ts';
import { answerAuthorize, peekAuthorizeRequest, refuseAuthorize } from './endpoints/authorize_endpoint.ts';
import {
  answerDiscovery,
  answerInstances,
  answerKeys,
  answerLogout,
} from './endpoints/discovery_and_logout_endpoints.ts';
import { answerImapCheck } from './endpoints/imap_token_check_endpoint.ts';
import { answerToken, peekTokenRequest } from './endpoints/token_endpoint.ts';
import type { EntraError } from './errors/entra_error.ts';
import { answerGraph, peekGraphRequest, refuseGraph } from './graph/fake_graph_api.ts';
import type { SandboxRequest } from './http/http_request.ts';
import { type HttpResponse, json } from './http/http_response.ts';
import { send } from './http/http_server.ts';
import type { SandboxState } from './state/sandbox_state.ts';

interface Endpoint {
  name: string;
  pattern: RegExp;
  answer(call: EndpointCall): Promise<HttpResponse> | HttpResponse;
  /** Records the unchecked content of the request, by which faults are chosen. */
  peek?(call: EndpointCall): void;
  /** The response for an error. Default: Entra's JSON body. */
  refuse?(call: EndpointCall, error: EntraError): HttpResponse;
  /** A page in the browser, whose form is posted to the same address. */
  isPage?: true;
}

const ENDPOINTS: Endpoint[] = [
  { name: 'token', pattern: /^\/([^/]+)\/oauth2\/v2\.0\/token$/, answer: answerToken, peek: peekTokenRequest },
  {
    name: 'authorize',
    pattern: /^\/([^/]+)\/oauth2\/v2\.0\/authorize$/,
    answer: answerAuthorize,
    peek: peekAuthorizeRequest,
    refuse: refuseAuthorize,
    isPage: true,
  },
  {
    name: 'adminconsent',
    pattern: /^\/([^/]+)\/(?:v2\.0\/)?adminconsent$/,
    answer: answerAdminConsent,
    peek: peekAuthorizeRequest,
    refuse: refuseAdminConsent,
    isPage: true,
  },
  { name: 'discovery', pattern: /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/, answer: answerDiscovery },
  { name: 'discovery', pattern: /^\/([^/]+)\/discovery\/v2\.0\/keys$/, answer: answerKeys },
  { name: 'discovery', pattern: /^\/(common)\/discovery\/instance$/, answer: answerInstances },
  { name: 'logout', pattern: /^\/([^/]+)\/oauth2\/v2\.0\/logout$/, answer: answerLogout },
  { name: 'graph', pattern: /^\/graph(\/.*)$/, answer: answerGraph, peek: peekGraphRequest, refuse: refuseGraph },
  { name: 'outlook', pattern: /^\/outlook(\/imap-check)$/, answer: answerImapCheck },
];

/** All paths but the admin API: records the request, applies gates and faults, and answers. */
export async function route(state: SandboxState, request: SandboxRequest, response: ServerResponse): Promise<void> {
  for (const endpoint of ENDPOINTS) {
    const segment = endpoint.pattern.exec(request.path)?.[1];
    if (segment === undefined) continue;
    const record = state.requests.begin(endpoint.name, state.clock.now());
    return serve(endpoint, { state, segment, request, record }, response);
  }
  send(response, json(404, { error: 'not_found', hint: `GET ${state.url}/sandbox lists the endpoints` }));
}

async function serve(endpoint: Endpoint, call: EndpointCall, response: ServerResponse): Promise<void> {
  const { state, request, record } = call;
  endpoint.peek?.(call);
  const produce = async () => {
    const answer = await endpoint.answer(call);
    if (record.outcome === 'pending') record.outcome = answer.status < 400 ? 'ok' : String(answer.status);
    return answer;
  };

  const gate = state.gates.take(record);
  if (gate?.stage === 'request') await gate.pass();
  // A posted form belongs to the visit before.
  const isVisit = endpoint.isPage !== true || request.method !== 'POST';
  const fault = isVisit ? state.faults.take(record) : undefined;
  if (fault !== undefined) {
    await answerWithFault(call, fault, response, produce, endpoint.refuse);
    record.outcome = `fault:${fault.kind}`;
    return;
  }
  const answer = await produce();
  if (gate?.stage === 'answer') await gate.pass();
  send(response, answer);
}
