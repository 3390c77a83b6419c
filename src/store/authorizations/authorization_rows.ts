import type { Authorization, AuthorizationAttempt } from '../../model/authorization.ts';
import type { Grant } from '../../model/grant.ts';
import { Secret } from '../../model/secret.ts';
import { issuesFromJson } from '../rows/state_reason_json.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';
import type { Row } from '../tables.ts';

export type AuthorizationRow = Row<'authorizations'>;

/** Between rows and the model; the tenant's keys must be ready for what seals. */
export function createAuthorizationRows(keys: TenantKeys) {
  const { keyring } = keys;

  return {
    toRow(authorization: Authorization, handleHash: string): AuthorizationRow {
      const { uid, tenantUid, loginHint } = authorization;
      return {
        ...authorization,
        returnUrl: authorization.returnUrl ?? null,
        loginHint: loginHint === undefined ? null : keyring.seal(placeOf(tenantUid, uid, 'login_hint'), loginHint),
        directoryId: authorization.directoryId ?? null,
        prompt: authorization.prompt ?? null,
        claims: authorization.claims ?? null,
        failure: authorization.failure ?? null,
        handleHash,
        waitingGrant: null,
        confirmationHash: null,
        confirmationExpireTime: null,
      };
    },

    async toAuthorization(row: AuthorizationRow): Promise<Authorization> {
      const { uid, tenantUid, loginHint } = row;
      if (loginHint !== null) await keys.ready(tenantUid, loginHint);
      return {
        uid,
        tenantUid,
        connectionUid: row.connectionUid,
        appUid: row.appUid,
        state: row.state,
        productScopes: row.productScopes,
        permissions: row.permissions,
        redirectUri: row.redirectUri,
        returnUrl: row.returnUrl ?? undefined,
        completion: row.completion,
        loginHint:
          loginHint === null
            ? undefined
            : keyring.open(placeOf(tenantUid, uid, 'login_hint'), loginHint).toString('utf8'),
        directoryId: row.directoryId ?? undefined,
        prompt: row.prompt ?? undefined,
        allowAccountChange: row.allowAccountChange,
        claims: row.claims ?? undefined,
        failure: row.failure ?? undefined,
        createTime: row.createTime,
        expireTime: row.expireTime,
      };
    },

    sealGrant({ uid, tenantUid }: AuthorizationRow, grant: Grant): Buffer {
      const text = JSON.stringify({ ...grant, refreshToken: grant.refreshToken.reveal() });
      return keyring.seal(placeOf(tenantUid, uid, 'waiting_grant'), text);
    },

    async openGrant({ uid, tenantUid }: AuthorizationRow, sealed: Buffer): Promise<Grant> {
      await keys.ready(tenantUid, sealed);
      const text = keyring.open(placeOf(tenantUid, uid, 'waiting_grant'), sealed).toString('utf8');
      const stored = JSON.parse(text) as Omit<Grant, 'refreshToken'> & { refreshToken: string };
      const { account, resourceIssues } = stored;
      return {
        ...stored,
        account: account && {
          ...account,
          username: account.username,
          displayName: account.displayName,
          email: account.email,
        },
        resourceIssues: resourceIssues && issuesFromJson(resourceIssues),
        refreshToken: new Secret(stored.refreshToken),
      };
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
