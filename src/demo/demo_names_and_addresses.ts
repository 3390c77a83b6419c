import type { FakeEntra } from './sandbox_client.ts';
import type { Program } from './start_token_vault_process.ts';

/** An app and a user of the sandbox's seed, and their names in the vault. */
export const CLIENT_ID = '11111111-1111-4111-8111-111111111111';
export const ADA = 'ada@contoso.example';
export const DIRECTORY = 'contoso.example';
export const SCOPES = ['Mail.ReadOnly', 'Calendar.ReadWrite'];
export const TENANT = 'tenants/acme';
export const APP = `${TENANT}/apps/default`;
export const CONNECTION = `${TENANT}/connections/ada`;
export const RETURN_URL = 'http://127.0.0.1:3000/connected';

/** The processes of the demo, and their addresses. */
export interface Stage {
  readonly entra: FakeEntra;
  readonly grpcAddress: string;
  readonly adminAddress: string;
  readonly callbackUri: string;
  startEntra(): Promise<Program>;
  startVault(): Promise<Program>;
}

/** The name of an enum's value. */
export function nameOf(names: Readonly<Record<string, number>>, value: number | undefined): string {
  return Object.keys(names).find((name) => names[name] === value) ?? 'unknown';
}
