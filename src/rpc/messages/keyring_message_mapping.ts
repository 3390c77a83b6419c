import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type KeyringSchema,
  RootKey_State as State,
  type TenantKeySchema,
} from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { KeyringStatus, RootKeyStatus, TenantKeyStatus } from '../../key_rotation/keyring_status.ts';
import { tenantName } from '../../model/tenant.ts';
import { toWireTime } from './field_value_conversion.ts';

/** The name of the vault itself as the owner of a data key. */
export const VAULT = 'vault';

const STATES: Readonly<Record<RootKeyStatus['state'], State>> = {
  ACTIVE: State.ACTIVE,
  RETIRING: State.RETIRING,
  AVAILABLE: State.AVAILABLE,
  RETIRED: State.RETIRED,
};

export function toKeyringMessage(keyring: KeyringStatus): MessageInitShape<typeof KeyringSchema> {
  const { rootKeys, dataKeyVersions, rotation, tenantKeyRotations } = keyring;
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
    dataKeyVersions: dataKeyVersions.map(({ version, dataKeys, owners }) => ({
      version: BigInt(version),
      dataKeys: BigInt(dataKeys),
      owners: BigInt(owners),
    })),
    rotatingTenantKeys: BigInt(tenantKeyRotations.count),
    rotatingOwners: tenantKeyRotations.tenantIds.map(ownerName),
    rotation: rotation && {
      rootKeyId: rotation.rootKeyId,
      startTime: toWireTime(rotation.startTime),
      dataKeys: BigInt(rotation.dataKeys),
      rewrapped: BigInt(rotation.rewrapped),
      pendingOwners: rotation.pendingOwners.map((owner) => (owner === 'vault' ? owner : `tenants/${owner}`)),
    },
  };
}

export function toTenantKeyMessage(status: TenantKeyStatus): MessageInitShape<typeof TenantKeySchema> {
  const { tenantId, version, olderVersions } = status;
  return { tenant: ownerName(tenantId), version: BigInt(version), olderVersions: olderVersions.map(BigInt) };
}

function ownerName(tenantId: string | undefined): string {
  return tenantId === undefined ? VAULT : tenantName(tenantId);
}
