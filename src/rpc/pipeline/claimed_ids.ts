import type { ClaimedIds } from '../../audit/audit_log_interface.ts';
import { claimedIdentity } from '../../caller_tokens/parse_presented_token.ts';
import { claimedKeyId } from './api_key_authenticator.ts';
import type { Presented } from './authenticator.ts';
import { hasToken, tokenIn } from './token_authenticator.ts';

/** For logs: whose credentials a rejected call claims to present. They prove nothing. */
export function claimedIds({ authorization, certificate }: Presented): ClaimedIds {
  const token =
    authorization !== undefined && hasToken(authorization) ? claimedIdentity(tokenIn(authorization)) : undefined;
  return { key: claimedKeyId(authorization), certificate: certificate?.subject, token };
}
