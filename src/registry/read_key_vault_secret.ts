import type { Credential, CredentialMaterial } from '../model/app_credential.ts';
import type { Timestamp } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import type { SecretSource } from '../model/key_vault_secret_reader_interface.ts';
import { withoutVersion } from '../model/key_vault_secret_reader_interface.ts';
import { secretIdWarnings } from './app_setup_warnings.ts';
import type { RegistryParts } from './registry_dependencies.ts';

export interface ReadKeyVaultSecret {
  readonly material: Extract<CredentialMaterial, { kind: 'KEY_VAULT_SECRET' }>;
  /** The normalized URI. */
  readonly hint: string;
  readonly notBefore: Timestamp | undefined;
  readonly expireTime: Timestamp | undefined;
  readonly doubts: readonly string[];
}

/** A reference, with the secret's current times. An unreadable secret is only a warning, because access is often granted last. FIELD_INVALID. */
export async function readKeyVaultSecret(
  secretSource: SecretSource,
  field: string,
  uri: string,
): Promise<ReadKeyVaultSecret> {
  const secretUri = secretSource.checkUri(field, uri);
  const reference = { material: { kind: 'KEY_VAULT_SECRET', secretUri }, hint: secretUri } as const;
  try {
    // Another credential may refer to the same secret, so the cache may hold an older version.
    secretSource.forget(secretUri);
    const { value, notBefore, expireTime } = await secretSource.read(secretUri);
    return { ...reference, notBefore, expireTime, doubts: secretIdWarnings(`The secret ${secretUri}`, value) };
  } catch (error) {
    if (!isVaultError(error) || error.reason === 'FIELD_INVALID') throw error;
    return { ...reference, notBefore: undefined, expireTime: undefined, doubts: [unread(secretUri, error.message)] };
  }
}

/** For a secret that was corrected in the key vault: its next use reads it again, and an inspection reads its times within a minute. */
export async function reread(
  { secretSource, stores }: Pick<RegistryParts, 'secretSource' | 'stores'>,
  credentials: readonly Credential[],
): Promise<void> {
  for (const { kind, hint } of credentials) {
    if (kind !== 'KEY_VAULT_SECRET') continue;
    secretSource.forget(hint);
    await stores.inspections.markDueBySecret(withoutVersion(hint));
  }
}

/** https://learn.microsoft.com/azure/key-vault/general/rbac-guide */
function unread(secretUri: string, why: string): string {
  return `The secret ${secretUri} cannot be read yet (${why}). Grant the vault's identity "get" on its secrets, for example with the role Key Vault Secrets User. The secret is read again when it is needed; until then its expiry date is unknown.`;
}
