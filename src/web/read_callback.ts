import type { CallbackRequest } from '../connect/authorizations.ts';
import { Secret } from '../model/secret.ts';

/** What Entra sent; undefined where it is no answer at all. RFC 6749, section 3.1: a parameter that comes twice is refused. */
export function readCallback(parameters: URLSearchParams): Pick<CallbackRequest, 'state' | 'answer'> | undefined {
  const one = (name: string): string | undefined => {
    const values = parameters.getAll(name);
    return values.length === 1 ? values[0] : undefined;
  };
  const twice = ['state', 'code', 'error'].some((name) => parameters.getAll(name).length > 1);
  const state = one('state');
  const code = one('code');
  const error = one('error');
  if (twice || state === undefined || (code === undefined) === (error === undefined)) return undefined;
  if (code !== undefined) return { state, answer: { code: new Secret(code) } };
  return {
    state,
    answer: { error: error ?? '', errorDescription: one('error_description'), errorSubcode: one('error_subcode') },
  };
}
