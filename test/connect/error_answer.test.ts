import { expect, test } from 'vitest';
import { errorAnswered } from '../../src/connect/error_answer.ts';

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
  ['invalid_client', 'AADSTS650053: The application asked for scope x that does not exist.', 'APP_MISCONFIGURED'],
  ['<script>', '<script>alert(1)</script>', 'APP_MISCONFIGURED'],
] as const)('%s with %s means %s%s', (error, errorDescription, reason) => {
  expect(errorAnswered({ error, errorDescription }, name).reason).toBe(reason);
});

test('nothing of what was sent gets into the error but known words and numbers', () => {
  const told = errorAnswered(
    { error: 'ada@contoso.example', errorDescription: 'AADSTS50011: ada@contoso.example <b>', errorSubcode: 'secret' },
    name,
  );
  expect(`${told.message} ${JSON.stringify(told.metadata)}`).not.toMatch(/contoso|<b>|secret/);
  expect(told.metadata['entraError']).toBe('other/AADSTS50011');
});
