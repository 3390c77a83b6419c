import { Credential_Kind } from '../../gen/tokenvault/v1/credential_pb.ts';

export const KINDS: Readonly<Partial<Record<Credential_Kind, string>>> = {
  [Credential_Kind.CLIENT_SECRET]: 'secret',
  [Credential_Kind.CERTIFICATE]: 'certificate',
  [Credential_Kind.FEDERATED]: 'assertion file',
  [Credential_Kind.KEY_VAULT_SECRET]: 'secret in a key vault',
  [Credential_Kind.MANAGED_IDENTITY]: 'managed identity',
  [Credential_Kind.KEY_VAULT_CERTIFICATE]: 'certificate in a key vault',
};
