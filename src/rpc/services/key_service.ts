import type { KeyService } from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { RootKeyOperations } from '../../key_rotation/root_key_operations.ts';
import { toKeyringMessage } from '../messages/keyring_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

export function createKeyService({
  rootKeys,
}: {
  readonly rootKeys: RootKeyOperations;
}): Implementation<typeof KeyService> {
  return {
    async getKeyring() {
      return { keyring: toKeyringMessage(await rootKeys.describe()) };
    },
    async rotateRootKey({ rootKeyId }) {
      return { keyring: toKeyringMessage(await rootKeys.rotate(rootKeyId)) };
    },
  };
}
