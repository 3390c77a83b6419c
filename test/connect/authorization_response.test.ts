import { expect, test } from 'vitest';
import { authorizationErrorOf } from '../../src/connect/authorization_response.ts';
import { classifyAuthorizationError } from '../../src/entra/errors/classify_entra_response.ts';
import { ENTRA_ERRORS } from '../../src/entra/errors/entra_error_table.ts';

const server = { readAuthorizationError: classifyAuthorizationError };

const name = 'tenants/acme/connections/ada';

test.each([
  ['access_denied', 'AADSTS65004: User declined to consent to access the app.', 'AUTHORIZATION_DECLINED'],
  ['access_denied', undefined, 'AUTHORIZATION_DECLINED'],
  ['access_denied', 'AADSTS90094: The grant requires admin permission.', 'ADMIN_CONSENT_REQUIRED'],
  ['consent_required', 'AADSTS90095: Admin consent is required.', 'ADMIN_CONSENT_REQUIRED'],
  ['consent_required', undefined, 'CONSENT_REQUIRED'],
  ['interaction_required', 'AADSTS53003: Access has been blocked by Conditional Access policies.', 'BLOCKED_BY_POLICY'],
  ['access_denied', 'AADSTS50105: The signed in user is not assigned to a role.', 'BLOCKED_BY_POLICY'],
  ['interaction_required', 'AADSTS50057: The user account is disabled.', 'ACCOUNT_DISABLED'],
  ['temporarily_unavailable', undefined, 'ENTRA_UNAVAILABLE'],
  ['server_error', 'AADSTS90033: A transient error has occurred.', 'ENTRA_UNAVAILABLE'],
  ['login_required', undefined, 'REAUTHORIZATION_REQUIRED'],
  ['permission_denied', undefined, 'AUTHORIZATION_DECLINED'],
  ['access_denied', 'AADSTS7999999: Something new.', 'AUTHORIZATION_DECLINED'],
  ['access_denied', 'AADSTS650051: The organization is in an unmanaged state.', 'BLOCKED_BY_POLICY'],
  ['invalid_client', 'AADSTS650051: The organization is in an unmanaged state.', 'BLOCKED_BY_POLICY'],
  ['access_denied', 'AADSTS65005: The organization is in an unmanaged state.', 'BLOCKED_BY_POLICY'],
  ['invalid_client', 'AADSTS65005: The resource is not listed.', 'APP_MISCONFIGURED'],
  ['access_denied', 'AADSTS650052: No service principal.', 'ADMIN_CONSENT_REQUIRED'],
  ['access_denied', 'AADSTS530084: Blocked.', 'BLOCKED_BY_POLICY'],
  ['access_denied', 'AADSTS90072: Not in the tenant.', 'BLOCKED_BY_POLICY'],
  ['access_denied', 'AADSTS500571: The guest user account is disabled.', 'ACCOUNT_DISABLED'],
  ['invalid_request', 'AADSTS7000112: Disabled.', 'BLOCKED_BY_POLICY'],
  ['unauthorized_client', 'AADSTS700016: Not found.', 'ADMIN_CONSENT_REQUIRED'],
  ['invalid_client', 'AADSTS650053: The application asked for scope x that does not exist.', 'APP_MISCONFIGURED'],
  ['invalid_request', 'AADSTS900144: The request body must contain a parameter.', 'INTERNAL'],
  ['invalid_request', 'AADSTS50117: The claims cannot be read.', 'FIELD_INVALID'],
  ['invalid_grant', 'AADSTS54005: The code was already redeemed.', 'REAUTHORIZATION_REQUIRED'],
  ['invalid_grant', 'AADSTS501481: The PKCE verifier does not match.', 'REAUTHORIZATION_REQUIRED'],
  ['<script>', '<script>alert(1)</script>', 'APP_MISCONFIGURED'],
] as const)('%s with %s means %s%s', (error, errorDescription, reason) => {
  expect(authorizationErrorOf(server, { error, errorDescription }, name).reason).toBe(reason);
});

test('the error contains only known words and numbers of the response', () => {
  const error = authorizationErrorOf(
    server,
    { error: 'ada@contoso.example', errorDescription: 'AADSTS50011: ada@contoso.example <b>', errorSubcode: 'secret' },
    name,
  );
  expect(`${error.message} ${JSON.stringify(error.metadata)}`).not.toMatch(/contoso|<b>|secret/);
  expect(error.metadata['entraError']).toBe('other/AADSTS50011');
});

test.each(
  ENTRA_ERRORS.filter(
    ({ kind, code }) => !['ambiguous', 'vault_fault', 'caller'].includes(kind) && ![65004].includes(code),
  ),
)('AADSTS$code means the same as at the token endpoint: $reason', ({ code, errors, reason }) => {
  const error = errors[0] ?? '';
  expect(authorizationErrorOf(server, { error, errorDescription: `AADSTS${code}: text` }, name).reason).toBe(reason);
});
