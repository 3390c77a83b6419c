const AGAIN = 'then run the import again; what is in already is left alone';

/** What helps an importer, by the vault's reason. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  REFRESH_TOKEN_REJECTED:
    'Correct the line if the message names a field. Else let the user sign in with StartAuthorization under this name.',
  SCOPE_NOT_GRANTED:
    'Import it with the scopes that the user granted (scopes in the line, or --scope), or let the user sign in with StartAuthorization.',
  CONSENT_REQUIRED:
    'Import it with the scopes that the user granted (scopes in the line, or --scope), or let the user sign in with StartAuthorization.',
  ADMIN_CONSENT_REQUIRED: `Let an administrator of the user's directory consent (StartAdminConsent), ${AGAIN}.`,
  BLOCKED_BY_POLICY: `An administrator of the user's directory changes the policy, ${AGAIN}.`,
  ACCOUNT_DISABLED: `An administrator of the user's directory restores the account, ${AGAIN}.`,
  ACCOUNT_MISMATCH: 'Correct the account in the line, or leave it out: the token belongs to another one.',
  DIRECTORY_NOT_ALLOWED: `Allow the directory with UpdateTenant (allowed_directory_ids), ${AGAIN}.`,
  APP_CREDENTIAL_REJECTED: `Add a working credential with AddCredential, ${AGAIN}.`,
  APP_CREDENTIAL_EXPIRED: `Add a new credential with AddCredential, ${AGAIN}.`,
  APP_MISCONFIGURED: `Compare the app registration with the next steps of VerifyApp, ${AGAIN}.`,
  TENANT_NOT_FOUND: `Register the tenant with RegisterTenant, ${AGAIN}.`,
  APP_NOT_FOUND: `Create the app with CreateApp, or share it with the tenant, ${AGAIN}.`,
  TENANT_SUSPENDED: `Resume the tenant, ${AGAIN}.`,
  APP_SUSPENDED: `Clear the app's suspended with UpdateApp, ${AGAIN}.`,
  CONNECTION_SUSPENDED: 'It is there, suspended: call ResumeConnection, or leave it.',
  ACCESS_DENIED: `Give the caller of --api-key-file the role operator in this tenant, ${AGAIN}.`,
  UNIMPLEMENTED: 'That is the token listener: name the admin listener with --address.',
  SCOPE_UNKNOWN: `Correct the scope, ${AGAIN}.`,
  NAME_INVALID: `Correct it, ${AGAIN}.`,
  FIELD_INVALID: `Correct it, ${AGAIN}.`,
};

export function nextStepFor(reason: string): string {
  return NEXT_STEPS[reason] ?? `Look up ${reason} in docs/runbook.md, ${AGAIN}.`;
}
