import type { Timestamp } from '../model/clock.ts';
import type { CredentialMaterial } from '../model/credential.ts';
import { isVaultError } from '../model/errors.ts';
import type { SecretSource } from '../model/secret_source.ts';
import { isClientSecret, looksLikeSecretId } from './client_secret.ts';

export interface ReadKeyVaultSecret {
  readonly material: Extract<CredentialMaterial, { kind: 'KEY_VAULT_SECRET' }>;
  /** The address in its one form. */
  readonly hint: string;
  readonly notBefore: Timestamp | undefined;
  readonly expireTime: Timestamp | undefined;
  readonly doubts: readonly string[];
}

/** A reference, with what the key vault says of the secret now. One that cannot be read is a doubt: access is often granted last. FIELD_INVALID. */
export async function readKeyVaultSecret(
  secretSource: SecretSource,
  field: string,
  address: string,
): Promise<ReadKeyVaultSecret> {
  const secretUri = secretSource.checkUri(field, address);
  const reference = { material: { kind: 'KEY_VAULT_SECRET', secretUri }, hint: secretUri } as const;
  try {
    const { value, notBefore, expireTime } = await secretSource.read(secretUri);
    const doubts = isClientSecret(value) && !looksLikeSecretId(value) ? [] : [noClientSecret(secretUri)];
    return { ...reference, notBefore, expireTime, doubts };
  } catch (error) {
    if (!isVaultError(error) || error.reason === 'FIELD_INVALID') throw error;
    return { ...reference, notBefore: undefined, expireTime: undefined, doubts: [unread(secretUri, error.message)] };
  }
}

/** https://learn.microsoft.com/azure/key-vault/general/rbac-guide */
function unread(secretUri: string, why: string): string {
  return `The secret ${secretUri} cannot be read yet (${why}): the vault's identity needs "get" on secrets there, such as the role Key Vault Secrets User. It is read again when it is needed; its end is not known until then.`;
}

function noClientSecret(secretUri: string): string {
  return `What lies at ${secretUri} does not look like a client secret: Entra wants the "Value" that the portal shows once, not the "Secret ID".`;
}
