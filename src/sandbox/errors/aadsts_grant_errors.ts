/**
 * Errors of a grant, its user, the consent or a policy. `entra_error.ts` describes the columns.
 * Like those of Entra, the descriptions contain usernames, so that tests can find them in logs.
 */
export const GRANT_ERRORS = `
40008 | invalid_grant | - | Unretryable error of the federated IdP.
50196 | invalid_grant | - | The server terminated an operation because it encountered a client request loop. Please contact your app vendor.
50196 | temporarily_unavailable | - | -
500112 | invalid_client | - | The reply address '{uri}' does not match the reply address '{expected}' provided when requesting Authorization code.
50053 | invalid_grant | - | The account '{user}' is locked, you've tried to sign in too many times with an incorrect user ID or password.
50053 | unauthorized_client | - | -
50126 | invalid_grant | - | Error validating credentials due to invalid username or password.
50126 | unauthorized_client | - | -
50034 | invalid_grant | - | The user account {user} does not exist in the {directory} directory. To sign into this application, the account must be added to the directory.
50034 | unauthorized_client | - | -
53005 | invalid_grant | - | Application needs to enforce Intune protection policies.
53005 | unauthorized_client | protection_policy_required | -
500200 | invalid_request | - | User account is a personal Microsoft account. Personal Microsoft accounts are not supported for this application unless explicitly invited to an organization.
700005 | invalid_grant | - | Provided Authorization Code is intended to use against other tenant, thus rejected.
70000 | invalid_grant | - | Provided grant is invalid or malformed. The provided value for the input parameter is not valid for this client.
7000012 | invalid_grant | - | The grant was obtained for a different tenant.
70000121 | invalid_grant | - | The passed grant is from a personal Microsoft account and is required to be sent to the /consumers or /common endpoint.
700007 | invalid_grant | - | The grant was issued to another client.
50173 | invalid_grant | bad_token | The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{revoked}'.
700082 | invalid_grant | bad_token | The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for {inactive}.
700084 | invalid_grant | - | The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of {lifetime}, which can not be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was issued on {issued}.
70008 | invalid_grant | - | The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.
70043 | invalid_grant | bad_token | The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.
70044 | invalid_grant | - | The session has expired or is invalid due to sign-in frequency checks by conditional access.
50076 | invalid_grant | basic_action | Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.
50076 | interaction_required | basic_action | -
50079 | invalid_grant | basic_action | Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.
50074 | invalid_grant | basic_action | Strong Authentication is required.
50072 | invalid_grant | basic_action | Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.
50078 | invalid_grant | basic_action | Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access '{resource}'.
50158 | invalid_grant | basic_action | External security challenge not satisfied.
50055 | invalid_grant | user_password_expired | The password of '{user}' is expired.
50055 | user_password_expired | - | -
50144 | invalid_grant | - | On-premises password expired.
50089 | invalid_grant | - | Flow token expired.
50132 | invalid_grant | - | Session invalid: password changed.
50133 | invalid_grant | - | Session revoked.
50085 | invalid_grant | - | Social IdP sign-in needed.
50125 | invalid_grant | - | Password reset or registration.
50135 | invalid_grant | - | Password change: account risk.
50137 | invalid_grant | - | Password change: rule.
50139 | invalid_grant | - | Session lacks external refresh token.
50140 | invalid_grant | - | Keep-me-signed-in interrupt.
50142 | invalid_grant | - | Password change: Conditional Access.
50143 | invalid_grant | - | Session mismatch.
51006 | invalid_grant | - | Re-authentication forced.
700020 | invalid_grant | - | Interaction required.
40009 | invalid_grant | - | IdP refused the user's token.
9002341 | invalid_grant | - | User must permit single sign-on.
50197 | invalid_grant | - | Conflicting identities.
65001 | invalid_grant | consent_required | The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an interactive authorization request for this user and resource.
65001 | consent_required | - | -
65004 | invalid_grant | - | User declined to consent to access the app.
90008 | invalid_grant | consent_required | The user or administrator has not consented to use the application with ID '{client}'. This happened because application is misconfigured: it must require access to the resource by specifying at least 'Sign in and read user profile' permission.
90094 | consent_required | - | {name} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.
90095 | consent_required | - | Administrator consent, request workflow.
90093 | invalid_grant | - | Consent endpoint: forbidden.
50150 | invalid_grant | - | No valid user consent information.
53003 | invalid_grant | message_only | Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.
53003 | interaction_required | message_only | -
530032 | invalid_grant | message_only | Tenant security policy does not allow this request.
530034 | invalid_grant | - | Delegated administrator at risk.
530035 | invalid_grant | - | Security defaults block.
530004 | invalid_grant | - | App must accept a policy / not allowed by policy.
53000 | invalid_grant | additional_action | Device is not in required device state.
53001 | invalid_grant | additional_action | Device is not in required device state. Conditional Access policy requires a domain joined device.
53002 | invalid_grant | - | The app used is not an approved app for Conditional Access.
53004 | invalid_grant | - | Proof-up blocked by risk.
53010 | invalid_grant | - | Proof-up only from certain places.
53011 | invalid_grant | message_only | User blocked due to risk on home tenant.
50131 | invalid_grant | - | Access blocked by conditional access policies.
50005 | invalid_grant | - | Platform not supported by policy.
50097 | invalid_grant | - | Device authentication required.
50129 | invalid_grant | - | Device not workplace joined.
50155 | invalid_grant | device_authentication_failed | Device authentication failed.
50177 | invalid_grant | - | External challenge for passthrough users.
50178 | invalid_grant | - | Session control for passthrough users.
135011 | invalid_grant | - | Device disabled.
700003 | invalid_grant | - | Device not found.
54000 | invalid_grant | - | Minor blocked.
50057 | invalid_grant | - | The user account '{user}' is disabled.
500571 | invalid_grant | - | The guest user account is disabled.
500341 | invalid_grant | - | The user account {user} has been deleted from the {directory} directory. To sign into this application, the account must be added to the directory.
51004 | invalid_grant | - | The user account {user} does not exist in the {directory} directory.
50014 | invalid_grant | - | Guest pending.
50020 | invalid_grant | - | User account '{user}' from identity provider '{provider}' does not exist in tenant '{directory}' and cannot access the application '{client}' in that tenant. The account needs to be added as an external user in the tenant first.
90072 | invalid_grant | - | User account '{user}' from identity provider '{provider}' does not exist in tenant '{directory}' and cannot access the application '{client}' in that tenant. The account needs to be added as an external user in the tenant first.
16000 | invalid_grant | - | Account not in tenant.
16003 | invalid_grant | - | User not added to tenant.
50105 | invalid_grant | - | Your administrator has configured the application '{client}' to block users unless they are specifically granted access. The signed-in user '{user}' is blocked.
500021 | invalid_grant | - | Tenant restrictions.
500022 | invalid_grant | - | Tenant restrictions.
500212 | invalid_grant | - | Outbound cross-tenant policy.
500213 | invalid_grant | - | Inbound cross-tenant policy.
500207 | invalid_grant | - | Account type not usable for the resource.
500208 | invalid_grant | - | Domain not a login domain for the account type.
5000224 | invalid_grant | - | Tenant blocked for fraud.
5000225 | interaction_required | - | This tenant has been blocked due to inactivity.
530021 | interaction_required | - | Application does not meet the conditional access approved app requirements.
530084 | invalid_grant | - | Access has been blocked by conditional access token protection policy.
`;
