import type { MessageInitShape } from '@bufbuild/protobuf';
import { type KeyringSchema, RootKey_State as State } from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { KeyringStatus, RootKeyStatus } from '../../key_rotation/keyring_status.ts';
import { toWireTime } from './field_value_conversion.ts';

const STATES: Readonly<Record<RootKeyStatus['state'], State>> = {
  ACTIVE: State.ACTIVE,
  RETIRING: State.RETIRING,
  AVAILABLE: State.AVAILABLE,
  RETIRED: State.RETIRED,
};

export function toKeyringMessage(keyring: KeyringStatus): MessageInitShape<typeof KeyringSchema> {
  const { rootKeys, dataKeyVersions, rotation } = keyring;
  return {
    rootKeys: rootKeys.map((key) => ({
      id: key.id,
      state: STATES[key.state],
      dataKeys: BigInt(key.dataKeys),
      activeTime: toWireTime(key.activeTime),
      retireTime: toWireTime(key.retireTime),
      keyVaultVersion: key.keyVaultVersion ?? '',
      missingReplicas: [...key.missingReplicas],
      advice: key.advice ?? '',
    })),
    dataKeyVersions: dataKeyVersions.map(({ version, dataKeys }) => ({
      version: BigInt(version),
      dataKeys: BigInt(dataKeys),
    })),
    rotation: rotation && {
      rootKeyId: rotation.rootKeyId,
      startTime: toWireTime(rotation.startTime),
      dataKeys: BigInt(rotation.dataKeys),
      rewrapped: BigInt(rotation.rewrapped),
      pendingOwners: rotation.pendingOwners.map((owner) => (owner === 'vault' ? owner : `tenants/${owner}`)),
    },
  };
}
