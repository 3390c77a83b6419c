import type { SandboxRequest } from '../http/http_request.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { GraphError } from './graph_error.ts';

/** An allowed request that changes the credentials of a registration. */
export interface RegistrationChange {
  state: SandboxState;
  app: AppRegistration;
  request: SandboxRequest;
}

export function readJson<Body extends object>(request: SandboxRequest): Partial<Body> {
  if (request.body === '') return {};
  try {
    const parsed: Partial<Body> | null = JSON.parse(request.body);
    return parsed ?? {};
  } catch {
    throw new GraphError(400, 'BadRequest', 'Unable to read JSON request payload.');
  }
}
