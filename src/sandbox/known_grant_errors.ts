import type { KnownError } from './known_errors.ts';

/** What is wrong with a grant, its user, or the consent. Entra's descriptions name people: so do these, that nobody logs them unseen. */
export const GRANT_ERRORS: Record<number, KnownError> = {
  // the grant
  50173: {
    error: 'invalid_grant',
    suberror: 'bad_token',
    text: "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{revoked}'.",
  },
  700082: {
    error: 'invalid_grant',
    suberror: 'token_expired',
    text: 'The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for {inactive}.',
  },
  700084: {
    error: 'invalid_grant',
    suberror: 'token_expired',
    text: 'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of {lifetime}, which can not be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was issued on {issued}.',
  },
  70043: {
    error: 'invalid_grant',
    suberror: 'token_expired',
    text: 'The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
  },
  70000: {
    error: 'invalid_grant',
    text: 'Provided grant is invalid or malformed. The provided value for the input parameter is not valid for this client.',
  },
  70008: {
    error: 'invalid_grant',
    text: 'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  },
  54005: {
    error: 'invalid_grant',
    text: 'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  },
  501481: {
    error: 'invalid_grant',
    text: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  },
  700005: {
    error: 'invalid_grant',
    text: 'Provided Authorization Code is intended to use against other tenant, thus rejected.',
  },
  50196: {
    error: 'invalid_grant',
    text: 'The server terminated an operation because it encountered a client request loop. Please contact your app vendor.',
  },
  // the user
  50034: {
    error: 'invalid_grant',
    text: 'The user account {user} does not exist in the {directory} directory. To sign into this application, the account must be added to the directory.',
  },
  50020: {
    error: 'invalid_grant',
    text: "User account '{user}' from identity provider '{provider}' does not exist in tenant '{directory}' and cannot access the application '{client}' in that tenant. The account needs to be added as an external user in the tenant first.",
  },
  50057: { error: 'invalid_grant', text: "The user account '{user}' is disabled." },
  50053: {
    error: 'invalid_grant',
    text: "The account '{user}' is locked, you've tried to sign in too many times with an incorrect user ID or password.",
  },
  50058: { error: 'login_required', text: 'A silent sign-in request was sent but no user is signed in.' },
  50055: { error: 'invalid_grant', suberror: 'user_password_expired', text: "The password of '{user}' is expired." },
  50072: {
    error: 'invalid_grant',
    suberror: 'basic_action',
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
  },
  50074: { error: 'invalid_grant', suberror: 'basic_action', text: 'Strong Authentication is required.' },
  50076: {
    error: 'invalid_grant',
    suberror: 'basic_action',
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
  },
  50078: {
    error: 'invalid_grant',
    suberror: 'basic_action',
    text: "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access '{resource}'.",
  },
  50079: {
    error: 'invalid_grant',
    suberror: 'basic_action',
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
  },
  50105: {
    error: 'invalid_grant',
    text: "Your administrator has configured the application '{client}' to block users unless they are specifically granted access. The signed-in user '{user}' is blocked.",
  },
  50158: { error: 'invalid_grant', suberror: 'basic_action', text: 'External security challenge not satisfied.' },
  53000: { error: 'invalid_grant', suberror: 'additional_action', text: 'Device is not in required device state.' },
  53001: {
    error: 'invalid_grant',
    suberror: 'additional_action',
    text: 'Device is not in required device state. Conditional Access policy requires a domain joined device.',
  },
  53003: {
    error: 'invalid_grant',
    suberror: 'message_only',
    text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  },
  53011: { error: 'invalid_grant', suberror: 'message_only', text: 'User blocked due to risk on home tenant.' },
  530032: {
    error: 'invalid_grant',
    suberror: 'message_only',
    text: 'Tenant security policy does not allow this request.',
  },
  50131: { error: 'invalid_grant', suberror: 'message_only', text: 'Access blocked by conditional access policies.' },
  // consent
  65001: {
    error: 'invalid_grant',
    suberror: 'consent_required',
    text: "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an interactive authorization request for this user and resource.",
  },
  65004: { error: 'access_denied', text: 'User declined to consent to access the app.' },
  90094: {
    error: 'consent_required',
    text: '{name} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.',
  },
  90008: {
    error: 'invalid_grant',
    suberror: 'consent_required',
    text: "The user or administrator has not consented to use the application with ID '{client}'. This happened because application is misconfigured: it must require access to the resource by specifying at least 'Sign in and read user profile' permission.",
  },
};
