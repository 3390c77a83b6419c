import type { Visit } from './http_request.ts';
import type { Answer } from './http_response.ts';

/** What one address answers. `pattern` has one group at most, handed on as `part`. */
export interface Route {
  readonly pattern: RegExp;
  readonly methods: Readonly<Partial<Record<Method, (visit: Visit, part: string) => Promise<Answer>>>>;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'OPTIONS';
