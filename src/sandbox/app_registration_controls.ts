import {
  createSecret,
  type FederatedCredentialInput,
  federatedCredentialInput,
  readCertificate,
  type SecretInput,
} from './state/app_credential.ts';
import { type AppManagementPolicyInput, createAppManagementPolicy } from './state/app_management_policy.ts';
import type { AppRegistration } from './state/app_registration.ts';
import type { SandboxState } from './state/sandbox_state.ts';

/** The controls of one app registration; apps are given by client id. */
export function createAppControls({ clock }: SandboxState, findApp: (clientId: string) => AppRegistration) {
  return {
    addRedirectUri: (clientId: string, redirectUri: string) => void findApp(clientId).redirectUris.push(redirectUri),
    addSecret(clientId: string, input: SecretInput = {}) {
      const secret = createSecret(input, clock.now());
      findApp(clientId).secrets.push(secret);
      return secret;
    },
    removeSecret(clientId: string, keyIdOrValue: string): void {
      const app = findApp(clientId);
      app.secrets = app.secrets.filter(({ keyId, value }) => keyId !== keyIdOrValue && value !== keyIdOrValue);
    },
    /** Lets a secret expire without moving the clock. */
    expireSecret(clientId: string, keyIdOrValue: string, endTime = clock.now()): void {
      const { secrets } = findApp(clientId);
      const secret = secrets.find(({ keyId, value }) => keyId === keyIdOrValue || value === keyIdOrValue);
      if (secret === undefined)
        throw new RangeError(`App ${clientId} has no such secret. GET /sandbox lists its secrets.`);
      secret.endTime = endTime;
    },
    addCertificate(clientId: string, pem: string) {
      const certificate = readCertificate(pem);
      findApp(clientId).certificates.push(certificate);
      return certificate;
    },
    removeCertificate(clientId: string, keyId: string): void {
      const app = findApp(clientId);
      app.certificates = app.certificates.filter((certificate) => certificate.keyId !== keyId);
    },
    addFederatedCredential(clientId: string, input: FederatedCredentialInput) {
      const credential = federatedCredentialInput.parse(input);
      findApp(clientId).federatedCredentials.push(credential);
      return credential;
    },
    /** An app role on Graph, such as `Application.ReadWrite.OwnedBy`, with consent; effective in the next token. */
    grantApplicationPermission(clientId: string, permission: string): void {
      const app = findApp(clientId);
      app.applicationPermissions = [...new Set([...app.applicationPermissions, permission])];
    },
    withdrawApplicationPermission(clientId: string, permission: string): void {
      const app = findApp(clientId);
      app.applicationPermissions = app.applicationPermissions.filter((name) => name !== permission);
    },
    /** `owner`: the client id of an app, which may be the app itself. */
    addOwner(clientId: string, owner: string): void {
      const app = findApp(clientId);
      app.owners = [...new Set([...app.owners, findApp(owner).clientId])];
    },
    removeOwner(clientId: string, owner: string): void {
      const app = findApp(clientId);
      app.owners = app.owners.filter((id) => id !== findApp(owner).clientId);
    },
    /** Overrides the policy of the directory; undefined: the directory's policy applies. */
    setAppPolicy(clientId: string, policy: AppManagementPolicyInput | undefined) {
      const app = findApp(clientId);
      app.managementPolicy = policy && createAppManagementPolicy(policy);
      return app.managementPolicy;
    },
    /** For secrets and certificates that Graph adds from now on, in milliseconds: until then every second use fails. */
    setSecretReplicationDelay(clientId: string, delay: number): void {
      findApp(clientId).secretReplicationDelay = delay;
    },
  };
}
