const AGAIN = 'then run the import again; what is imported already stays as it is';

/** The operator's next step, by the vault's reason. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  REFRESH_TOKEN_REJECTED:
    'Correct the line if the message names a field. Otherwise let the user sign in with StartAuthorization under this name.',
  SCOPE_NOT_GRANTED:
    'Import it with the scopes that the user granted (scopes in the line, or --scope), or let the user sign in with StartAuthorization.',
  CONSENT_REQUIRED:
    'Import it with the scopes that the user granted (scopes in the line, or --scope), or let the user sign in with StartAuthorization.',
  ADMIN_CONSENT_REQUIRED: `Let an administrator of the user's directory consent (StartAdminConsent), ${AGAIN}.`,
  BLOCKED_BY_POLICY: `Ask an administrator of the user's directory to change the policy, ${AGAIN}.`,
  ACCOUNT_DISABLED: `Ask an administrator of the user's directory to restore the account, ${AGAIN}.`,
  ACCOUNT_MISMATCH: 'Correct or remove the account in the line: the token belongs to another account.',
  DIRECTORY_NOT_ALLOWED: `Allow the directory with UpdateTenant (allowed_directory_ids), ${AGAIN}.`,
  APP_CREDENTIAL_REJECTED: `Add a working credential with AddCredential, ${AGAIN}.`,
  APP_CREDENTIAL_EXPIRED: `Add a new credential with AddCredential, ${AGAIN}.`,
  APP_MISCONFIGURED: `Compare the app registration with the next steps of VerifyApp, ${AGAIN}.`,
  TENANT_NOT_FOUND: `Register the tenant with RegisterTenant, ${AGAIN}.`,
  APP_NOT_FOUND: `Create the app with CreateApp, or share it with the tenant, ${AGAIN}.`,
  TENANT_SUSPENDED: `Resume the tenant, ${AGAIN}.`,
  APP_SUSPENDED: `Set the app's suspended to false with UpdateApp, ${AGAIN}.`,
  CONTAINED: 'An admin contained it. Ask before you lift that (`token-vault containment list`).',
  CONNECTION_SUSPENDED: 'The connection exists and is suspended. Call ResumeConnection to use it.',
  ACCESS_DENIED: `Give the caller of --api-key-file the role operator in this tenant, ${AGAIN}.`,
  UNIMPLEMENTED: 'The address is the token listener. Give the admin listener with --address.',
  SCOPE_UNKNOWN: `Correct the scope, ${AGAIN}.`,
  NAME_INVALID: `Correct the field, ${AGAIN}.`,
  FIELD_INVALID: `Correct the field, ${AGAIN}.`,
};

export function nextStepFor(reason: string): string {
  return NEXT_STEPS[reason] ?? `Look up ${reason} in docs/runbook.md, ${AGAIN}.`;
}
