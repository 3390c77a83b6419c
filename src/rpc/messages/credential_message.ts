import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Credential_Kind,
  Credential_Role,
  Credential_State,
  type Credential as CredentialMessage,
  CredentialProbe_Outcome,
  type CredentialProbeSchema,
  type CredentialSchema,
} from '../../gen/tokenvault/v1/credential_pb.ts';
import type { AppRegistration as AppRegistrationMessage } from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import type { Timestamp } from '../../model/clock.ts';
import {
  type Credential,
  type CredentialKind,
  type CredentialState,
  credentialState,
  neverExpires,
} from '../../model/credential.ts';
import type { CredentialRole } from '../../model/credential_role.ts';
import { Secret } from '../../model/secret.ts';
import type { CredentialRequest, RequestedMaterial } from '../../registry/new_credential.ts';
import type { ProbeReport } from '../../registry/probe.ts';
import { fromWireTime, toWireTime } from './field_values.ts';
import { toReasonMessage } from './reason_message.ts';
import { type AppIds, credentialName } from './resource_names.ts';

const KIND = {
  CLIENT_SECRET: Credential_Kind.CLIENT_SECRET,
  CERTIFICATE: Credential_Kind.CERTIFICATE,
  FEDERATED: Credential_Kind.FEDERATED,
  KEY_VAULT_SECRET: Credential_Kind.KEY_VAULT_SECRET,
} as const satisfies Record<CredentialKind, Credential_Kind>;

const STATE = {
  UNPROBED: Credential_State.UNPROBED,
  VALID: Credential_State.VALID,
  REJECTED: Credential_State.REJECTED,
  EXPIRED: Credential_State.EXPIRED,
  NOT_YET_VALID: Credential_State.NOT_YET_VALID,
} as const satisfies Record<CredentialState, Credential_State>;

const ROLE = {
  PREFERRED: Credential_Role.PREFERRED,
  FALLBACK: Credential_Role.FALLBACK,
  TRIAL: Credential_Role.TRIAL,
  PROBING: Credential_Role.PROBING,
  NONE: Credential_Role.NONE,
} as const satisfies Record<CredentialRole, Credential_Role>;

const OUTCOME = {
  ACCEPTED: CredentialProbe_Outcome.ACCEPTED,
  REJECTED: CredentialProbe_Outcome.REJECTED,
  PROPAGATING: CredentialProbe_Outcome.PROPAGATING,
  UNKNOWN: CredentialProbe_Outcome.UNKNOWN,
  SKIPPED: CredentialProbe_Outcome.SKIPPED,
} as const satisfies Record<ProbeReport['outcome'], CredentialProbe_Outcome>;

/** `role`: undefined where the app's other credentials are not known. */
export function toCredentialMessage(
  app: AppIds,
  credential: Credential,
  role: CredentialRole | undefined,
  now: Timestamp,
): MessageInitShape<typeof CredentialSchema> {
  const { tenantId, appId } = app;
  const message: MessageInitShape<typeof CredentialSchema> = {
    name: credentialName({ tenantId, appId, credentialId: credential.credentialId }),
    uid: credential.uid,
    expireTime: toWireTime(credential.expireTime),
    notBefore: toWireTime(credential.notBefore),
    kind: KIND[credential.kind],
    hint: credential.hint,
    state: STATE[credentialState(credential, now)],
    lastUsedTime: toWireTime(credential.lastUsedTime),
    createTime: toWireTime(credential.createTime),
    neverExpires: neverExpires(credential),
    role: role === undefined ? Credential_Role.UNSPECIFIED : ROLE[role],
    entraExpireTime: toWireTime(credential.entraExpireTime),
    entraKeyId: credential.entraKeyId ?? '',
  };
  // References are no secrets, and tell whoever reads them where to look.
  if (credential.kind === 'FEDERATED')
    message.material = { case: 'federated', value: { assertionFile: credential.hint } };
  if (credential.kind === 'KEY_VAULT_SECRET')
    message.material = { case: 'keyVaultSecret', value: { secretUri: credential.hint } };
  return message;
}

export function toProbeMessage(app: AppIds, probe: ProbeReport): MessageInitShape<typeof CredentialProbeSchema> {
  const { tenantId, appId } = app;
  return {
    credential: credentialName({ tenantId, appId, credentialId: probe.credentialId }),
    outcome: OUTCOME[probe.outcome],
    reason: toReasonMessage(probe.reason),
    entraError: probe.entraError ?? '',
    correlationId: probe.correlationId ?? '',
    message: probe.message,
    probeTime: toWireTime(probe.time),
  };
}

export function fromCredentialMessage(field: string, message: CredentialMessage | undefined): CredentialRequest {
  return {
    material: fromMaterial(message?.material),
    expireTime: fromWireTime(`${field}.expire_time`, message?.expireTime),
    notBefore: fromWireTime(`${field}.not_before`, message?.notBefore),
  };
}

export function fromRegistrationCredential(app: AppRegistrationMessage): CredentialRequest {
  return {
    material: fromMaterial(app.credential),
    expireTime: fromWireTime('app.secret_expire_time', app.secretExpireTime),
    notBefore: undefined,
  };
}

function fromMaterial(material: CredentialMessage['material'] | undefined): RequestedMaterial | undefined {
  switch (material?.case) {
    case 'clientSecret':
      return { kind: 'CLIENT_SECRET', clientSecret: new Secret(material.value) };
    case 'certificate':
      return {
        kind: 'CERTIFICATE',
        certificatePem: material.value.certificatePem,
        privateKeyPem: new Secret(material.value.privateKeyPem),
      };
    case 'federated':
      return { kind: 'FEDERATED', assertionFile: material.value.assertionFile };
    case 'keyVaultSecret':
      return { kind: 'KEY_VAULT_SECRET', secretUri: material.value.secretUri };
    default:
      return undefined;
  }
}
