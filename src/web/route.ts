import type { HttpRequest } from './http_request.ts';
import type { HttpResponse } from './http_response.ts';

/** What one address answers. `pattern` has one group at most, handed on as `part`. */
export interface Route {
  readonly pattern: RegExp;
  readonly methods: Readonly<
    Partial<Record<Method, (httpRequest: HttpRequest, part: string) => Promise<HttpResponse>>>
  >;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'OPTIONS';
