import type { RawTokenResponse } from '../../src/entra/raw_response.ts';
import { NOW } from './fixtures.ts';

export function aResponse(overrides: Partial<RawTokenResponse> = {}): RawTokenResponse {
  return {
    status: 400,
    retryAfter: undefined,
    date: undefined,
    body: {},
    fault: undefined,
    sendTime: NOW,
    correlationId: '33333333-3333-3333-3333-333333333333',
    ...overrides,
  };
}

/** Entra's error response: error word, codes, and a description that names a user. */
export function refusal(
  error: string,
  codes: number | number[] = [],
  more: Record<string, unknown> = {},
): RawTokenResponse {
  return aResponse({
    body: {
      error,
      error_codes: [codes].flat(),
      error_description: `AADSTS: the account ${NAMED_USER} was looked at`,
      correlation_id: '22222222-2222-2222-2222-222222222222',
      ...more,
    },
  });
}

export const NAMED_USER = 'Ada.Lovelace@contoso.example';
