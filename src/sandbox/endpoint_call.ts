import type { SandboxRequest } from './http/http_request.ts';
import type { RequestRecord } from './state/request_log.ts';
import type { SandboxState } from './state/sandbox_state.ts';

/** One request to an endpoint. */
export interface EndpointCall {
  state: SandboxState;
  /** The variable part of the path: the authority, or a path of Graph. */
  segment: string;
  request: SandboxRequest;
  record: RequestRecord;
}
