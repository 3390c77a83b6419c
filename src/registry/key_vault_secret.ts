import type { Timestamp } from '../model/clock.ts';
import type { Credential, CredentialMaterial } from '../model/credential.ts';
import { isVaultError } from '../model/errors.ts';
import type { SecretSource } from '../model/secret_source.ts';
import { withoutVersion } from '../model/secret_uri.ts';
import { looksLikeSecretId } from './client_secret.ts';
import type { RegistryParts } from './registry_parts.ts';

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
    // As it is now: another credential may refer to it, and what memory holds of it be as old as the last look.
    secretSource.forget(secretUri);
    const { value, notBefore, expireTime } = await secretSource.read(secretUri);
    const doubts = looksLikeSecretId(value) ? [isSecretId(secretUri)] : [];
    return { ...reference, notBefore, expireTime, doubts };
  } catch (error) {
    if (!isVaultError(error) || error.reason === 'FIELD_INVALID') throw error;
    return { ...reference, notBefore: undefined, expireTime: undefined, doubts: [unread(secretUri, error.message)] };
  }
}

/** Somebody may have mended it in the key vault: who presents it next asks there, and the end that is said there is read within a minute. */
export async function reread(
  { secretSource, stores }: Pick<RegistryParts, 'secretSource' | 'stores'>,
  credentials: readonly Credential[],
): Promise<void> {
  for (const { kind, hint } of credentials) {
    if (kind !== 'KEY_VAULT_SECRET') continue;
    secretSource.forget(hint);
    await stores.inspections.hasten(withoutVersion(hint));
  }
}

/** https://learn.microsoft.com/azure/key-vault/general/rbac-guide */
function unread(secretUri: string, why: string): string {
  return `The secret ${secretUri} cannot be read yet (${why}): the vault's identity needs "get" on secrets there, such as the role Key Vault Secrets User. It is read again when it is needed; its end is not known until then.`;
}

function isSecretId(secretUri: string): string {
  return `What lies at ${secretUri} looks like a "Secret ID" (a GUID): Entra wants the "Value" that the portal shows once, not the "Secret ID".`;
}
