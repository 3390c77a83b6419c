import type { ServerResponse } from 'node:http';
import { answerAdminConsent, refuseAdminConsent } from './endpoints/admin_consent.ts';
import { deliverFault } from './endpoints/answer_with_fault.ts';
import { answerAuthorize, peekAuthorizeRequest, refuseAuthorize } from './endpoints/authorize.ts';
import { answerDiscovery, answerInstances, answerKeys, answerLogout } from './endpoints/discovery.ts';
import { answerImapCheck } from './endpoints/imap_check.ts';
import { answerToken, peekTokenRequest } from './endpoints/token_endpoint.ts';
import type { EntraError } from './errors/entra_error.ts';
import { answerGraph, peekGraphRequest, refuseGraph } from './graph/graph.ts';
import type { SandboxRequest } from './http/http_request.ts';
import { type HttpResponse, json } from './http/http_response.ts';
import { send } from './http/http_server.ts';
import type { RequestRecord } from './state/request_log.ts';
import type { SandboxState } from './state/state.ts';

interface Endpoint {
  name: string;
  pattern: RegExp;
  answer(
    world: SandboxState,
    segment: string,
    request: SandboxRequest,
    record: RequestRecord,
  ): Promise<HttpResponse> | HttpResponse;
  /** Notes what the request says about itself, before anything is checked: faults are chosen by it. */
  peek?(world: SandboxState, segment: string, request: SandboxRequest, record: RequestRecord): void;
  /** How somebody hears of an error there. Default: Entra's body with JSON. */
  refuse?(world: SandboxState, segment: string, request: SandboxRequest, error: EntraError): HttpResponse;
  /** A browser comes here, and comes back with the form of the page. */
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
  {
    name: 'graph',
    pattern: /^\/graph(\/.*)$/,
    answer: answerGraph,
    peek: peekGraphRequest,
    refuse: refuseGraph,
  },
  { name: 'outlook', pattern: /^\/outlook(\/imap-check)$/, answer: answerImapCheck },
];

/** Everything but the admin API: notes the request, lets faults and gates have it, answers. */
export async function route(world: SandboxState, request: SandboxRequest, response: ServerResponse): Promise<void> {
  for (const endpoint of ENDPOINTS) {
    const part = endpoint.pattern.exec(request.path)?.[1];
    if (part !== undefined) return serve(world, endpoint, part, request, response);
  }
  send(response, json(404, { error: 'not_found', hint: `GET ${world.url}/sandbox lists what there is` }));
}

async function serve(
  world: SandboxState,
  endpoint: Endpoint,
  part: string,
  request: SandboxRequest,
  response: ServerResponse,
): Promise<void> {
  const record = world.requests.begin(endpoint.name, world.clock.now());
  endpoint.peek?.(world, part, request, record);
  const produce = async () => {
    const answer = await endpoint.answer(world, part, request, record);
    if (record.outcome === 'pending') record.outcome = answer.status < 400 ? 'ok' : String(answer.status);
    return answer;
  };

  const gate = world.holds.take({ endpoint: endpoint.name, operation: record.operation });
  if (gate?.stage === 'request') await gate.pass();
  // A page's form that comes back belongs to the visit before.
  const isVisit = endpoint.isPage !== true || request.method !== 'POST';
  const fault = isVisit ? world.faults.take({ ...record, endpoint: endpoint.name }) : undefined;
  if (fault !== undefined) {
    const refuse = endpoint.refuse?.bind(endpoint, world, part, request);
    await deliverFault(world, fault, response, { traits: { ...record, endpoint: endpoint.name }, produce, refuse });
    record.outcome = `fault:${fault.kind}`;
    return;
  }
  const answer = await produce();
  if (gate?.stage === 'answer') await gate.pass();
  send(response, answer);
}
