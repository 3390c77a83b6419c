import type { Grant } from '../../model/connection_grant.ts';
import { Secret } from '../../model/secret.ts';
import type { Authorization, AuthorizationAttempt } from '../../model/user_authorization.ts';
import { type WithoutNulls, withoutNulls } from '../rows/nulls.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { Row } from '../table_definitions.ts';

export type AuthorizationRow = Row<'authorizations'>;

/** Converts between rows and the model. Before sealing, the tenant's keys must be ready. */
export function createAuthorizationRows(keys: TenantKeys) {
  const { keyring } = keys;

  return {
    toRow(authorization: Authorization, handleHash: string): WithoutNulls<AuthorizationRow> {
      const { uid, tenantUid, loginHint } = authorization;
      return {
        ...authorization,
        loginHint: loginHint === undefined ? undefined : keyring.seal(placeOf(tenantUid, uid, 'login_hint'), loginHint),
        handleHash,
        waitingGrant: undefined,
        confirmationHash: undefined,
        confirmationExpireTime: undefined,
      };
    },

    async toAuthorization(row: AuthorizationRow): Promise<Authorization> {
      const { handleHash, waitingGrant, confirmationHash, confirmationExpireTime, loginHint, ...authorization } =
        withoutNulls(row);
      if (loginHint === undefined) return { ...authorization, loginHint };
      await keys.ready(row.tenantUid, loginHint);
      const opened = keyring.open(placeOf(row.tenantUid, row.uid, 'login_hint'), loginHint);
      return { ...authorization, loginHint: opened.toString('utf8') };
    },

    sealGrant({ uid, tenantUid }: AuthorizationRow, grant: Grant): Buffer {
      const text = JSON.stringify({ ...grant, refreshToken: grant.refreshToken.reveal() });
      return keyring.seal(placeOf(tenantUid, uid, 'waiting_grant'), text);
    },

    async openGrant({ uid, tenantUid }: AuthorizationRow, sealed: Buffer): Promise<Grant> {
      await keys.ready(tenantUid, sealed);
      const text = keyring.open(placeOf(tenantUid, uid, 'waiting_grant'), sealed).toString('utf8');
      const stored = JSON.parse(text) as Omit<Grant, 'refreshToken'> & { refreshToken: string };
      return { ...stored, refreshToken: new Secret(stored.refreshToken) };
    },

    toAttemptRow(tenantUid: string, attempt: AuthorizationAttempt, stateHash: string): Row<'authorizationAttempts'> {
      const text = JSON.stringify({ codeVerifier: attempt.codeVerifier.reveal(), nonce: attempt.nonce.reveal() });
      return {
        stateHash,
        authorizationUid: attempt.authorizationUid,
        secrets: keyring.seal(attemptPlace(tenantUid, stateHash), text),
        expireTime: attempt.expireTime,
        usedTime: null,
      };
    },

    async toAttempt(tenantUid: string, row: Row<'authorizationAttempts'>): Promise<AuthorizationAttempt> {
      await keys.ready(tenantUid, row.secrets);
      const text = keyring.open(attemptPlace(tenantUid, row.stateHash), row.secrets).toString('utf8');
      const { codeVerifier, nonce } = JSON.parse(text) as { codeVerifier: string; nonce: string };
      const { authorizationUid, expireTime } = row;
      return { authorizationUid, codeVerifier: new Secret(codeVerifier), nonce: new Secret(nonce), expireTime };
    },
  };
}

function placeOf(tenantUid: string, authorizationUid: string, column: string) {
  return { tenantUid, recordType: 'authorization', recordUid: authorizationUid, column };
}

function attemptPlace(tenantUid: string, stateHash: string) {
  return { tenantUid, recordType: 'authorization_attempt', recordUid: stateHash, column: 'secrets' };
}
