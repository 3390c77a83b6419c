import type { Credential } from './app_credential.ts';
import type { Timestamp } from './clock.ts';

/** `rotated-2026-11-22`, or `rotated-2026-11-22-2` if that exists. */
export function datedCredentialId(prefix: string, credentials: readonly Credential[], now: Timestamp): string {
  const base = `${prefix}-${new Date(now).toISOString().slice(0, 10)}`;
  const taken = new Set(credentials.map(({ credentialId }) => credentialId));
  if (!taken.has(base)) return base;
  for (let number = 2; ; number += 1) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
