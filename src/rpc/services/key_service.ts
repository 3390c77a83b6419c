import type { KeyService } from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { KeyOperations } from '../../key_rotation/key_operations.ts';
import { toKeyringMessage, toTenantKeyMessage, VAULT } from '../messages/keyring_message_mapping.ts';
import { parseTenantName } from '../messages/resource_names.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

export function createKeyService({
  keyOperations,
}: {
  readonly keyOperations: KeyOperations;
}): Implementation<typeof KeyService> {
  return {
    async getKeyring() {
      return { keyring: toKeyringMessage(await keyOperations.describe()) };
    },
    async rotateRootKey({ rootKeyId }) {
      return { keyring: toKeyringMessage(await keyOperations.rotateRootKey(rootKeyId)) };
    },
    async getTenantKey({ tenant }) {
      return { tenantKey: toTenantKeyMessage(await keyOperations.describeTenantKey(parseOwner(tenant))) };
    },
    async rotateTenantKey({ tenant }) {
      return { tenantKey: toTenantKeyMessage(await keyOperations.rotateTenantKey(parseOwner(tenant))) };
    },
  };
}

/** Undefined: the vault itself. */
function parseOwner(name: string): string | undefined {
  return name === VAULT ? undefined : parseTenantName('tenant', name);
}
