import type { VaultAccess } from '../admin_clients.ts';

/** What commander makes of the options; each command has its own part of them. */
export interface ImportFlags extends VaultAccess {
  readonly apply?: true;
  readonly report?: string;
  readonly json?: true;
  /** Seconds. */
  readonly patience: number;
  readonly tenant?: string;
  readonly scope?: readonly string[];
  readonly verify?: 'now' | 'on-first-use';
  readonly cloud?: 'global' | 'us-gov' | 'china' | 'custom';
  readonly customLoginUrl?: string;
  readonly baseUrl?: string;
  readonly redirectUri?: readonly string[];
  readonly env?: string;
  readonly channels?: string;
  readonly connections?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  /** Milliseconds since the Unix epoch. */
  readonly secretExpires?: number;
}
