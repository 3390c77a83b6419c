import { randomUUID } from 'node:crypto';

/** A refusal in Entra's own terms. The body that becomes of it: `errorBody`. */
export class EntraError extends Error {
  override readonly name = 'EntraError';
  readonly code: number;
  readonly error: string;
  readonly status: number;
  readonly suberror: string | undefined;
  readonly claims: string | undefined;
  readonly errorCodes: number[];

  constructor(
    description: string,
    parts: {
      code: number;
      error: string;
      status: number;
      suberror?: string | undefined;
      claims?: string | undefined;
      errorCodes?: number[] | undefined;
    },
  ) {
    super(description);
    this.code = parts.code;
    this.error = parts.error;
    this.status = parts.status;
    this.suberror = parts.suberror;
    this.claims = parts.claims;
    this.errorCodes = parts.errorCodes ?? [parts.code];
  }
}

export interface EntraErrorOverrides {
  error?: string | undefined;
  suberror?: string | undefined;
  status?: number | undefined;
  claims?: string | undefined;
  description?: string | undefined;
  /** Instead of the one code. */
  errorCodes?: number[] | undefined;
}

/** Builds the answer that Entra gives for an AADSTS number; `facts` fill the text's `{names}`. */
export function entraError(
  code: number,
  facts: Record<string, string> = {},
  overrides: EntraErrorOverrides = {},
): EntraError {
  const known = ENTRA_ERRORS[code];
  const error = overrides.error ?? known?.error ?? 'invalid_grant';
  const text = overrides.description ?? known?.text ?? `The sandbox was told to answer with ${code}.`;
  const filled = text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => facts[name] ?? whole);
  return new EntraError(filled, {
    code,
    error,
    status: overrides.status ?? known?.status ?? statusOf(error),
    suberror: overrides.suberror ?? known?.suberror,
    claims: overrides.claims,
    errorCodes: overrides.errorCodes,
  });
}

function statusOf(error: string): number {
  if (error === 'invalid_client') return 401;
  if (error === 'temporarily_unavailable') return 503;
  if (error === 'server_error') return 500;
  return 400;
}

/** The JSON of a failed request to the token endpoint. */
export function errorBody(error: EntraError, now: number, correlationId: string): Record<string, unknown> {
  const traceId = randomUUID();
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    error: error.error,
    error_description: describe(error, { traceId, correlationId, timestamp }),
    error_codes: error.errorCodes,
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: errorUri(error),
    ...(error.suberror === undefined ? {} : { suberror: error.suberror }),
    ...(error.claims === undefined ? {} : { claims: error.claims }),
  };
}

export function describe(
  error: EntraError,
  parts: { traceId: string; correlationId: string; timestamp: string },
): string {
  return `AADSTS${error.code}: ${error.message} Trace ID: ${parts.traceId} Correlation ID: ${parts.correlationId} Timestamp: ${parts.timestamp}`;
}

export function errorUri(error: EntraError): string {
  return `https://login.microsoftonline.com/error?code=${error.code}`;
}

interface KnownError {
  error: string;
  status?: number;
  suberror?: string;
  text: string;
}

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes; texts shortened, people named as Entra names them. */
const ENTRA_ERRORS: Record<number, KnownError> = {
  // the request
  90002: {
    error: 'invalid_request',
    text: "Tenant '{directory}' not found. Check to make sure you have the correct tenant ID.",
  },
  90014: { error: 'invalid_request', text: "The required field '{parameter}' is missing from the credential." },
  90013: { error: 'invalid_request', text: 'Invalid input received from the user.' },
  900144: { error: 'invalid_request', text: "The request body must contain the following parameter: '{parameter}'." },
  900561: { error: 'invalid_request', text: 'The endpoint only accepts POST requests. Received a {method} request.' },
  9002313: { error: 'invalid_grant', text: 'Invalid request. Request is malformed or invalid.' },
  70003: { error: 'unsupported_grant_type', text: "The app requested an unsupported grant type '{grant}'." },
  700054: { error: 'unsupported_response_type', text: "response_type '{type}' is not enabled for the application." },
  50059: {
    error: 'invalid_request',
    text: 'No tenant-identifying information found in either the request or implied by any provided credentials.',
  },
  // the app
  700016: {
    error: 'unauthorized_client',
    text: "Application with identifier '{client}' was not found in the directory '{directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
  },
  7000112: { error: 'unauthorized_client', text: "Application '{client}' is disabled." },
  50194: {
    error: 'invalid_request',
    text: "Application '{client}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
  },
  9002331: {
    error: 'invalid_request',
    text: "Application '{client}' is configured for use by Microsoft Account users only. Please use the /consumers endpoint to serve this request.",
  },
  9002346: {
    error: 'invalid_request',
    text: "Application '{client}' is configured for use by Azure Active Directory users only. Please do not use the /consumers endpoint to serve this request.",
  },
  50011: {
    error: 'invalid_request',
    text: "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{client}'.",
  },
  500112: {
    error: 'invalid_grant',
    text: "The reply address '{uri}' does not match the reply address '{expected}' provided when requesting Authorization code.",
  },
  500011: {
    error: 'invalid_resource',
    text: 'The resource principal named {resource} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.',
  },
  650053: {
    error: 'invalid_client',
    text: "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'.",
  },
  70011: {
    error: 'invalid_scope',
    text: "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.",
  },
  1002012: {
    error: 'invalid_scope',
    text: 'The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
  },
  28000: {
    error: 'invalid_request',
    text: 'Provided value for the input parameter scope is not valid because it contains more than one resource.',
  },
  // the app's credential
  7000215: {
    error: 'invalid_client',
    text: "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'.",
  },
  7000222: {
    error: 'invalid_client',
    text: "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for your app.",
  },
  7000216: {
    error: 'invalid_client',
    text: "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  },
  7000218: {
    error: 'invalid_client',
    text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  700025: {
    error: 'invalid_client',
    text: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  },
  50027: { error: 'invalid_client', text: 'JWT token is invalid or malformed.' },
  700021: {
    error: 'invalid_client',
    text: "Client assertion application identifier doesn't match 'client_id' parameter.",
  },
  700023: { error: 'invalid_client', text: 'Client assertion audience claim does not match Realm issuer.' },
  700024: {
    error: 'invalid_client',
    text: 'Client assertion is not within its valid time range. Current time: {now}, expiry time of assertion {end}.',
  },
  700027: {
    error: 'invalid_client',
    text: "The certificate with identifier used to sign the client assertion is not registered on application '{client}'. [Reason - {reason}]",
  },
  700030: { error: 'invalid_client', text: 'Invalid certificate - subject name in certificate is not authorized.' },
  700211: {
    error: 'invalid_client',
    text: "No matching federated identity record found for presented assertion issuer '{issuer}'.",
  },
  700212: {
    error: 'invalid_client',
    text: "No matching federated identity record found for presented assertion audience '{audience}'.",
  },
  700213: {
    error: 'invalid_client',
    text: "No matching federated identity record found for presented assertion subject '{subject}'.",
  },
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
  // the weather
  90033: { error: 'temporarily_unavailable', text: 'A transient error has occurred. Please try again.' },
  90006: { error: 'server_error', text: 'The service is temporarily unavailable. Please retry later.' },
  90012: { error: 'server_error', text: 'RequestTimeout - the requested has timed out.' },
  90024: { error: 'temporarily_unavailable', text: 'RequestBudgetExceededError - a transient error has occurred.' },
  90055: { error: 'invalid_request', status: 429, text: 'The request was throttled due to too many requests.' },
  90090: { error: 'server_error', text: 'GraphRetryableError - the service is temporarily unavailable.' },
  50033: {
    error: 'server_error',
    text: 'RetryableError - indicates a transient error not related to the database operations.',
  },
  50087: { error: 'server_error', text: 'A transient error has occurred. Please try again.' },
};
