/**
 * Errors of the service, the app, its credential or the request. `entra_error.ts` describes the columns.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes; texts shortened.
 */
export const CLIENT_ERRORS = `
90033 | temporarily_unavailable | - | A transient error has occurred. Please try again.
90006 | server_error | - | The service is temporarily unavailable. Please retry later.
90012 | server_error | - | RequestTimeout - the requested has timed out.
90024 | temporarily_unavailable | - | RequestBudgetExceededError - a transient error has occurred.
50033 | server_error | - | RetryableError - indicates a transient error not related to the database operations.
50087 | invalid_grant | - | A transient error has occurred. Please try again.
70012 | server_error | - | MSA server error.
90090 | server_error | - | GraphRetryableError - the service is temporarily unavailable.
90091 | invalid_grant | - | Graph service unreachable.
50000 | invalid_grant | - | Token issuance error.
40010 | invalid_grant | - | Retryable error of the federated IdP.
50162 | invalid_grant | - | Claims transformation timed out, retry may help.
501621 | invalid_grant | - | Regex of a claims transformation timed out.
50166 | invalid_grant | - | External OIDC endpoint failed.
650051 | invalid_grant | - | Unable to create service principal: it is currently being provisioned. Please try again later.
90055 | invalid_request 429 | - | The request was throttled due to too many requests.
7000215 | invalid_client | - | Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'.
7000222 | invalid_client | - | The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for your app.
700027 | invalid_client | - | The certificate with identifier used to sign the client assertion is not registered on application '{client}'. [Reason - {reason}]
700030 | invalid_client | - | Invalid certificate - subject name in certificate is not authorized.
700024 | invalid_client | - | Client assertion is not within its valid time range. Current time: {now}, expiry time of assertion {end}.
700021 | invalid_client | - | Client assertion application identifier doesn't match 'client_id' parameter.
700023 | invalid_client | - | Client assertion audience claim does not match Realm issuer.
50012 | invalid_client | - | Client assertion contains an invalid signature, or its certificate was not accepted.
50027 | invalid_client | - | JWT token is invalid or malformed.
5002738 | invalid_request | - | Invalid JWT token. The federated assertion cannot be read.
5002727 | invalid_request | - | Invalid JWT header. The header of the assertion is not valid.
70021 | invalid_request | - | No matching federated identity record found for presented assertion. Assertion Issuer: {issuer}. Assertion Subject: {subject}. Assertion Audience: {audience}.
70021 | unauthorized_client 401 | - | -
700211 | invalid_client | - | No matching federated identity record found for presented assertion issuer '{issuer}'.
700213 | invalid_client | - | No matching federated identity record found for presented assertion subject '{subject}'.
7002137 | invalid_client | - | No matching federated identity record found for presented assertion subject '{subject}'.
7002138 | invalid_client | - | No matching federated identity record found for presented assertion audience '{audience}'.
700229 | invalid_client | - | Federated assertion is a user token.
700236 | invalid_client | - | Entra token as assertion refused (Entra-issued / other tenant).
1000502 | invalid_client | - | Certificate not within its time.
7000277 | invalid_client | - | Certificate revoked.
7000214 | invalid_client | - | Certificate revoked.
7000274 | invalid_client | - | Assertion with an invalid signature.
50048 | invalid_client | - | Subject differs from issuer in the assertion.
70002 | invalid_client | - | The client does not exist or is not enabled for consumers. If you are the application developer, configure a new application through the App Registrations in the Azure Portal.
50011 | invalid_client | - | The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{client}'.
70004 | invalid_client | - | Redirect URI invalid.
900971 | invalid_client | - | No reply address.
7000218 | invalid_client | - | The request body must contain the following parameter: 'client_assertion' or 'client_secret'.
7000216 | invalid_client | - | 'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.
700025 | invalid_client | - | Client is public so neither 'client_assertion' nor 'client_secret' should be presented.
7000229 | invalid_client | - | The client application '{client}' is missing service principal in the tenant '{directory}'.
650052 | invalid_client | - | The app is trying to access a service '{resource}' that your organization '{directory}' lacks a service principal for. Contact your IT Admin to review the configuration of your service subscriptions or consent to the application in order to create the required service principal.
650053 | invalid_client | - | The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'.
650056 | invalid_client | - | Misconfigured application. The client has not listed any permissions for the resource in its registration, or the admin has not consented in the tenant.
65005 | invalid_client | - | The application '{client}' has an invalid list of required resources.
700016 | unauthorized_client | - | Application with identifier '{client}' was not found in the directory '{directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.
70001 | unauthorized_client | - | Application '{client}' is not found in the directory '{directory}' or is disabled there.
700011 | unauthorized_client | - | Application with identifier '{client}' was not found in the directory '{directory}'.
7000112 | unauthorized_client | - | Application '{client}' is disabled.
1000031 | unauthorized_client | - | App cannot be accessed at this time.
90099 | unauthorized_client | - | App not authorised in the tenant (delegated administration).
650059 | unauthorized_client | - | Audience is AzureADMyOrg.
500011 | invalid_resource | - | The resource principal named {resource} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.
500014 | invalid_resource | - | The service principal for resource '{resource}' is disabled. This indicate that a subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being issued for it.
50001 | invalid_resource | - | The application named '{resource}' is disabled or was not found in the tenant.
650057 | invalid_resource | - | Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration.
650054 | invalid_resource | - | The application '{client}' asked for permissions to access a resource '{resource}' that has been removed or is no longer available.
7000118 | invalid_grant | - | The resource '{resource}' is not allowed to be used by the tenant '{directory}'.
70011 | invalid_scope | - | The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.
28002 | invalid_scope | - | Scope invalid.
28003 | invalid_scope | - | Scope empty.
28000 | invalid_request | - | Provided value for the input parameter scope is not valid because it contains more than one resource.
700022 | invalid_scope | - | More than one resource.
50194 | invalid_request | - | Application '{client}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.
90002 | invalid_request | - | Tenant '{directory}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.
90130 | invalid_request | - | App not supported over /common.
90124 | invalid_request | - | Resource not supported over /common.
9001023 | invalid_request | - | Grant type not supported over /common.
9002331 | invalid_request | - | Application '{client}' is configured for use by Microsoft Account users only. Please use the /consumers endpoint to serve this request.
9002346 | invalid_request | - | Application '{client}' is configured for use by Microsoft Account users only. Please use the /consumers endpoint to serve this request.
9002332 | invalid_request | - | Application '{client}' is configured for use by Azure Active Directory users only. Please do not use the /consumers endpoint to serve this request.
9002327 | invalid_request | - | Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.
9002326 | invalid_request | - | Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.
90038 | invalid_request | - | Tenant lives in another cloud.
900439 | invalid_request | - | Cross-cloud.
900382 | invalid_request | - | Confidential client not supported cross-cloud.
900432 | invalid_request | - | Confidential client not supported cross-cloud.
50059 | invalid_request | - | No tenant-identifying information found in either the request or implied by any provided credentials.
50128 | invalid_request | - | Invalid domain name.
90019 | invalid_request | - | Tenant cannot be determined.
90009 | invalid_request | - | Application '{client}' is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.
50146 | invalid_request | - | App needs its own signing key.
501461 | invalid_request | - | AcceptMappedClaims not allowed.
90112 | invalid_request | - | Client id is no GUID.
900144 | invalid_request | - | The request body must contain the following parameter: '{parameter}'.
90014 | invalid_request | - | The required field '{parameter}' is missing from the credential.
90013 | invalid_request | - | Invalid input received from the user.
50117 | invalid_request | - | The claims request parameter cannot be parsed.
9002313 | invalid_request | - | Invalid request. Request is malformed or invalid.
9002313 | invalid_grant | - | -
54005 | invalid_grant | - | OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.
501481 | invalid_grant | - | The Code_Verifier does not match the code_challenge supplied in the authorization request.
50148 | invalid_grant | - | PKCE verifier does not match.
50058 | login_required | - | A silent sign-in request was sent but no user is signed in.
70003 | unsupported_grant_type | - | The app requested an unsupported grant type '{grant}'.
700054 | unsupported_response_type | - | response_type '{type}' is not enabled for the application.
700212 | invalid_client | - | No matching federated identity record found for presented assertion audience '{audience}'.
900561 | invalid_request | - | The endpoint only accepts POST requests. Received a {method} request.
1002012 | invalid_scope | - | The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).
9002325 | invalid_request | - | Proof Key for Code Exchange is required for cross-origin authorization code redemption.
501051 | invalid_grant | - | Application '{client}' is not assigned to a role for the application '{resource}'.
`;
