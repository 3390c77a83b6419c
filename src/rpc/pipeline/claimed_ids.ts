import type { ClaimedIds } from '../../audit/audit_log_interface.ts';
import { claimedKeyId } from './api_key_authenticator.ts';
import type { Presented } from './authenticator.ts';

/** For logs: whose credentials a rejected call claims to present. They prove nothing. */
export function claimedIds({ authorization, certificate }: Presented): ClaimedIds {
  return { key: claimedKeyId(authorization), certificate: certificate?.subject };
}
