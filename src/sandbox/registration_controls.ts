import {
  type AppManagementPolicy,
  type AppManagementPolicyInput,
  createAppManagementPolicy,
} from './state/app_management_policy.ts';
import type { AppRegistration } from './state/app_registration.ts';
import type { Directory } from './state/directory.ts';

/** What an administrator of a directory may change about an app registration in it. Unknown ones throw. */
export interface RegistrationControls {
  /** An app role on Graph, as `Application.ReadWrite.OwnedBy`, with consent; in force in the next token. */
  grantApplicationPermission(clientId: string, permission: string): void;
  withdrawApplicationPermission(clientId: string, permission: string): void;
  /** `owner`: the client id of an app, itself for one. */
  addOwner(clientId: string, owner: string): void;
  removeOwner(clientId: string, owner: string): void;
  /** For all apps of the directory; undefined: none. */
  setDirectoryPolicy(directory: string, policy: AppManagementPolicyInput | undefined): AppManagementPolicy | undefined;
  /** Instead of the directory's; undefined: that of the directory. */
  setAppPolicy(clientId: string, policy: AppManagementPolicyInput | undefined): AppManagementPolicy | undefined;
  /** Of secrets that Graph adds from now on, in milliseconds: until it is over, every second use fails. */
  setSecretReplicationDelay(clientId: string, delay: number): void;
}

export function createRegistrationControls(
  app: (id: string) => AppRegistration,
  directory: (id: string) => Directory,
): RegistrationControls {
  return {
    grantApplicationPermission(clientId, permission) {
      const { applicationPermissions } = app(clientId);
      if (!applicationPermissions.includes(permission)) applicationPermissions.push(permission);
    },
    withdrawApplicationPermission(clientId, permission) {
      const holder = app(clientId);
      holder.applicationPermissions = holder.applicationPermissions.filter((name) => name !== permission);
    },
    addOwner(clientId, owner) {
      const { owners } = app(clientId);
      if (!owners.includes(app(owner).clientId)) owners.push(app(owner).clientId);
    },
    removeOwner(clientId, owner) {
      const owned = app(clientId);
      owned.owners = owned.owners.filter((id) => id !== app(owner).clientId);
    },
    setDirectoryPolicy(id, policy) {
      const governed = directory(id);
      governed.managementPolicy = policy && createAppManagementPolicy(policy);
      return governed.managementPolicy;
    },
    setAppPolicy(clientId, policy) {
      const governed = app(clientId);
      governed.managementPolicy = policy && createAppManagementPolicy(policy);
      return governed.managementPolicy;
    },
    setSecretReplicationDelay(clientId, delay) {
      app(clientId).secretReplicationDelay = delay;
    },
  };
}
