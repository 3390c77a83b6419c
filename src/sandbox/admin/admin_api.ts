import { ZodError } from 'zod';
import { EntraError } from '../errors/entra_error.ts';
import type { SandboxRequest } from '../http/http_request.ts';
import { empty, type HttpResponse, json } from '../http/http_response.ts';
import type { Sandbox } from '../sandbox.ts';
import type { SandboxState } from '../state/state.ts';
import type { AdminCall, AdminRoute } from './admin_route.ts';
import { REGISTRY_ROUTES } from './directory_and_app_routes.ts';
import { FAULT_ROUTES } from './fault_routes.ts';
import { camelNames, snakeNames } from './json_names.ts';
import { REGISTRATION_ROUTES } from './registration_routes.ts';
import { viewWorld } from './state_views.ts';
import { USER_ROUTES } from './user_routes.ts';

/**
 * The sandbox's own API: JSON with snake_case names under `/sandbox`, times and durations in milliseconds.
 * `GET /sandbox` lists every route with an example body, and what is seeded. Each route has its line in `admin_registry.ts`
 * (directories, apps, credentials, consents), `admin_registrations.ts` (what an app may do with itself through Graph),
 * `admin_users.ts` (users, policies, refresh tokens) and `admin_weather.ts` (clock, settings, faults, holds, requests). A bad body answers 400 with the field, an unknown user or app 404.
 */
export async function answerAdmin(
  world: SandboxState,
  sandbox: Sandbox,
  request: SandboxRequest,
): Promise<HttpResponse> {
  const answer = await dispatch(world, sandbox, request);
  // For the terminal that curl writes to.
  return answer.body === '' ? answer : { ...answer, body: `${answer.body}\n` };
}

async function dispatch(world: SandboxState, sandbox: Sandbox, request: SandboxRequest): Promise<HttpResponse> {
  if (request.path === '/sandbox' || request.path === '/sandbox/')
    return json(200, snakeNames({ ...viewWorld(world), admin: ROUTES.map(describeRoute) }));
  for (const route of ROUTES) {
    const params = route.method === request.method ? matched(route.path, request.path) : undefined;
    if (params !== undefined) return run(route, world, sandbox, request, params);
  }
  return json(404, { error: `no such route: ${request.method} ${request.path}; GET /sandbox lists them` });
}

export function isAdminPath(path: string): boolean {
  return path === '/sandbox' || path.startsWith('/sandbox/');
}

const ROUTES: AdminRoute[] = [...FAULT_ROUTES, ...USER_ROUTES, ...REGISTRY_ROUTES, ...REGISTRATION_ROUTES];

async function run(
  route: AdminRoute,
  world: SandboxState,
  sandbox: Sandbox,
  request: SandboxRequest,
  params: Record<string, string>,
): Promise<HttpResponse> {
  try {
    const contentType = request.headers['content-type'] ?? '';
    const isForm = contentType.startsWith('application/x-www-form-urlencoded') && !request.body.startsWith('{');
    const call: AdminCall = {
      world,
      sandbox,
      params,
      query: request.query,
      method: request.method,
      contentType,
      rawBody: request.body,
      // curl -d sends JSON with the type of a form: it is taken all the same.
      body: request.body === '' || isForm ? undefined : camelNames(JSON.parse(request.body)),
    };
    const result = await route.run(call);
    if (result === undefined) return empty(204);
    return 'answer' in result ? result.answer : json(200, snakeNames(result.data));
  } catch (error) {
    if (error instanceof SyntaxError) return json(400, { error: 'the body is not JSON' });
    if (error instanceof ZodError)
      return json(400, { error: 'the body does not fit', issues: error.issues.map(issue) });
    if (error instanceof RangeError) return json(404, { error: error.message });
    if (error instanceof EntraError || error instanceof Error) return json(400, { error: error.message });
    throw error;
  }
}

function issue({ path, message }: { path: PropertyKey[]; message: string }) {
  return { field: snakeNames(Object.fromEntries([[path.map(String).join('.'), message]])) };
}

function matched(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = value;
    else if (part !== value) return undefined;
  }
  return params;
}

function describeRoute({ method, path, does, example }: AdminRoute) {
  return { method, path, does, ...(example === undefined ? {} : { example }) };
}
