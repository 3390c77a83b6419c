/** Seeded in the sandbox; its secrets are pretend, and still not shown. */
export const CLIENT_ID = '11111111-1111-4111-8111-111111111111';
export const ADA = 'ada@contoso.example';
export const TENANT = 'tenants/acme';
export const APP = `${TENANT}/apps/default`;
export const CONNECTION = `${TENANT}/connections/ada`;
export const RETURN_URL = 'http://127.0.0.1:3000/connected';
