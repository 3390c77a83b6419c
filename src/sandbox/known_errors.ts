import { GRANT_ERRORS } from './known_grant_errors.ts';

/** What Entra says for one AADSTS number, as far as it is the same each time. `{names}` are filled in. */
export interface KnownError {
  error: string;
  status?: number;
  suberror?: string;
  text: string;
}

/**
 * What is wrong with the request, the app or its credential, and the weather.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes; texts shortened.
 */
const CLIENT_ERRORS: Record<number, KnownError> = {
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
  // Not `unauthorized_client`, as one would think: https://github.com/Azure/azure-sdk-for-net/issues/46762
  7000229: {
    error: 'invalid_client',
    text: "The client application '{client}' is missing service principal in the tenant '{directory}'.",
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
  500200: {
    error: 'invalid_request',
    text: 'User account is a personal Microsoft account. Personal Microsoft accounts are not supported for this application unless explicitly invited to an organization.',
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

export const KNOWN_ERRORS: Record<number, KnownError> = { ...CLIENT_ERRORS, ...GRANT_ERRORS };
