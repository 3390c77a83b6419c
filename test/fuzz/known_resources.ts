import { makeCertificate } from '../sandbox/certificate.ts';

/** Tenants that fuzzed requests name, change and delete. */
export const TENANT_IDS = ['acme', 'globex'] as const;
export const CONNECTION_IDS = ['ada', 'bob'] as const;

const DAY = 86_400_000;
export const CERTIFICATE = makeCertificate(Date.now() - DAY, Date.now() + 300 * DAY);
