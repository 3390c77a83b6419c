import type { Grant } from '../../model/connection_grant.ts';
import { Secret } from '../../model/secret.ts';
import type { Authorization, AuthorizationAttempt } from '../../model/user_authorization.ts';
import { type WithoutNulls, withoutNulls } from '../rows/nulls.ts';
import { SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { Row } from '../table_definitions.ts';

export type AuthorizationRow = Row<'authorizations'>;

/** Converts between rows and the model. Before sealing, the tenant's keys must be ready. */
export function createAuthorizationRows(keys: TenantKeys) {
  const { keyring } = keys;
  const places = SEALED_COLUMNS.authorizations;
  const { secrets: secretsPlace } = SEALED_COLUMNS.authorizationAttempts;

  // These rows have no name of the tenant; its keys do.
  const named = (tenantUid: string) => ({ tenantUid, tenantId: keyring.nameOf(tenantUid) });

  return {
    toRow(authorization: Authorization, handleHash: string): WithoutNulls<AuthorizationRow> {
      const { uid, tenantUid, loginHint } = authorization;
      const place = places.loginHint({ ...named(tenantUid), uid });
      return {
        ...authorization,
        loginHint: loginHint === undefined ? undefined : keyring.seal(place, loginHint),
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
      const opened = keyring.open(places.loginHint({ ...named(row.tenantUid), uid: row.uid }), loginHint);
      return { ...authorization, loginHint: opened.toString('utf8') };
    },

    sealGrant({ uid, tenantUid, connectionUid }: AuthorizationRow, grant: Grant): Buffer {
      const text = JSON.stringify({ ...grant, refreshToken: grant.refreshToken.reveal() });
      return keyring.seal(places.waitingGrant({ ...named(tenantUid), uid, connectionUid }), text);
    },

    async openGrant({ uid, tenantUid, connectionUid }: AuthorizationRow, sealed: Buffer): Promise<Grant> {
      await keys.ready(tenantUid, sealed);
      const place = places.waitingGrant({ ...named(tenantUid), uid, connectionUid });
      const text = keyring.open(place, sealed).toString('utf8');
      const stored = JSON.parse(text) as Omit<Grant, 'refreshToken'> & { refreshToken: string };
      return { ...stored, refreshToken: new Secret(stored.refreshToken) };
    },

    toAttemptRow(tenantUid: string, attempt: AuthorizationAttempt, stateHash: string): Row<'authorizationAttempts'> {
      const { authorizationUid, expireTime } = attempt;
      const place = secretsPlace(named(tenantUid), { stateHash, authorizationUid });
      const text = JSON.stringify({ codeVerifier: attempt.codeVerifier.reveal(), nonce: attempt.nonce.reveal() });
      return {
        stateHash,
        authorizationUid,
        secrets: keyring.seal(place, text),
        expireTime,
        usedTime: null,
      };
    },

    async toAttempt(tenantUid: string, row: Row<'authorizationAttempts'>): Promise<AuthorizationAttempt> {
      await keys.ready(tenantUid, row.secrets);
      const text = keyring.open(secretsPlace(named(tenantUid), row), row.secrets).toString('utf8');
      const { codeVerifier, nonce } = JSON.parse(text) as { codeVerifier: string; nonce: string };
      const { authorizationUid, expireTime } = row;
      return { authorizationUid, codeVerifier: new Secret(codeVerifier), nonce: new Secret(nonce), expireTime };
    },
  };
}
