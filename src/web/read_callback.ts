import type { CallbackRequest } from '../connect/authorizations.ts';
import { Secret } from '../model/secret.ts';
import { singleValuedParams } from './single_valued_params.ts';

/** What Entra sent after a user signed in; undefined where it is no answer at all. RFC 6749, sections 4.1.2 and 4.1.2.1. */
export function readCallback(parameters: URLSearchParams): Pick<CallbackRequest, 'state' | 'answer'> | undefined {
  const sent = singleValuedParams(parameters, ['state', 'code', 'error', 'error_description', 'error_subcode']);
  if (sent?.state === undefined || (sent.code === undefined) === (sent.error === undefined)) return undefined;
  const { state, code, error = '', error_description: errorDescription, error_subcode: errorSubcode } = sent;
  return { state, answer: code === undefined ? { error, errorDescription, errorSubcode } : { code: new Secret(code) } };
}
