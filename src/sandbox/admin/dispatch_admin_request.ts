import { ZodError } from 'zod';
import type { SandboxRequest } from '../http/http_request.ts';
import { empty, type HttpResponse, json } from '../http/http_response.ts';
import type { Sandbox } from '../sandbox.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { ROUTES, type Route, viewState } from './admin_routes.ts';

/**
 * The sandbox's own API under `/sandbox`: JSON with snake_case names, times and durations in milliseconds. `GET /sandbox` lists
 * the state and every route with an example body. An invalid body is 400 with the field, an unknown resource 404.
 */
export async function answerAdmin(
  state: SandboxState,
  sandbox: Sandbox,
  request: SandboxRequest,
): Promise<HttpResponse> {
  const response = await dispatch(state, sandbox, request);
  // A newline for the terminal of curl.
  return response.body === '' ? response : { ...response, body: `${response.body}\n` };
}

export function isAdminPath(path: string): boolean {
  return path === '/sandbox' || path.startsWith('/sandbox/');
}

async function dispatch(state: SandboxState, sandbox: Sandbox, request: SandboxRequest): Promise<HttpResponse> {
  const { method, path, query } = request;
  if (path === '/sandbox' || path === '/sandbox/')
    return json(200, snakeNames({ ...viewState(state), admin: ROUTES.map(({ run, body, ...route }) => route) }));
  for (const route of ROUTES) {
    const parameters = route.method === method ? matchPath(route.path, path) : undefined;
    if (parameters === undefined) continue;
    try {
      const result = await route.run({
        ...parameters,
        ...{ state, sandbox, query, method, body: readBody(request, route) },
      } as never);
      return result === undefined ? empty(204) : json(200, snakeNames(result));
    } catch (error) {
      return errorResponse(error);
    }
  }
  return json(404, { error: `There is no route ${method} ${path}. GET /sandbox lists the routes.` });
}

function errorResponse(error: unknown): HttpResponse {
  if (error instanceof SyntaxError) return json(400, { error: 'The body is not JSON. Send one JSON object.' });
  if (error instanceof ZodError) {
    const issues = error.issues.map(({ path, message }) => ({
      field: snakeNames({ [path.map(String).join('.')]: message }),
    }));
    return json(400, { error: 'The body is invalid. Correct the fields; GET /sandbox shows an example.', issues });
  }
  if (error instanceof Error) return json(error instanceof RangeError ? 404 : 400, { error: error.message });
  throw error;
}

/** With names in camelCase. The trap receives a form, which is not read here. */
function readBody({ body, headers }: SandboxRequest, { body: schema }: Route): unknown {
  if (schema === undefined) return body;
  // `curl -d` sends JSON with the content type of a form.
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') && !body.startsWith('{');
  return schema.parse(body === '' || isForm ? {} : camelNames(JSON.parse(body)));
}

/** The values of the `:name` segments; undefined: the path does not match. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const values = path.split('/');
  const names = pattern.split('/');
  if (names.length !== values.length) return undefined;
  if (!names.every((name, at) => name.startsWith(':') || name === values[at])) return undefined;
  return Object.fromEntries(
    names.flatMap((name, at) => (name.startsWith(':') ? [[name.slice(1), values[at] ?? '']] : [])),
  );
}

function camelNames(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
}

function snakeNames(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [rename(name), renamed(item, rename)]));
}
