/** The response to one request. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
}

const NO_STORE = { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' };

export function json(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...NO_STORE, ...headers },
    body: JSON.stringify(body),
  };
}

export function html(status: number, body: string, headers: Record<string, string | string[]> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...NO_STORE, ...headers }, body };
}

export function redirect(location: string, headers: Record<string, string | string[]> = {}): HttpResponse {
  return { status: 302, headers: { location, ...NO_STORE, ...headers }, body: '' };
}

export function empty(status: number): HttpResponse {
  return { status, headers: {}, body: '' };
}
