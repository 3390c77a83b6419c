import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AppCredentialsSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import {
  Credential_Kind,
  Credential_Role,
  Credential_State,
  type Credential as CredentialMessage,
  CredentialProbe_Outcome,
  type CredentialProbeSchema,
  type CredentialSchema,
  type UnknownCredentialSchema,
} from '../../gen/tokenvault/v1/credential_pb.ts';
import type { AppRegistration as AppRegistrationMessage } from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import { type Credential, credentialState, neverExpires } from '../../model/app_credential.ts';
import type { Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { type CredentialRole, rolesOf } from '../../model/credential_presentation_order.ts';
import { Secret } from '../../model/secret.ts';
import type { UnknownCredential } from '../../model/unknown_credential.ts';
import type { CredentialRequest, RequestedMaterial } from '../../registry/build_new_credential.ts';
import type { AppCredentials } from '../../registry/list_credentials.ts';
import type { ProbeReport } from '../../registry/probe_app_credentials.ts';
import { fromWireDuration, fromWireTime, toWireTime } from './field_value_conversion.ts';
import { type AppIds, credentialName } from './resource_names.ts';
import { toReasonMessage } from './state_reason_message_mapping.ts';

/** `role` is undefined if the other credentials of the app are not known. */
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
    kind: Credential_Kind[credential.kind],
    hint: credential.hint,
    state: Credential_State[credentialState(credential, now)],
    lastUsedTime: toWireTime(credential.lastUsedTime),
    createTime: toWireTime(credential.createTime),
    neverExpires: neverExpires(credential),
    role: role === undefined ? Credential_Role.UNSPECIFIED : Credential_Role[role],
    entraExpireTime: toWireTime(credential.entraExpireTime),
    entraKeyId: credential.entraKeyId ?? '',
  };
  // References are not secret, and show where the material is stored.
  if (credential.kind === 'FEDERATED')
    message.material = { case: 'federated', value: { assertionFile: credential.hint } };
  if (credential.kind === 'KEY_VAULT_SECRET')
    message.material = { case: 'keyVaultSecret', value: { secretUri: credential.hint } };
  if (credential.kind === 'KEY_VAULT_CERTIFICATE')
    message.material = { case: 'keyVaultCertificate', value: { certificateUri: credential.hint } };
  if (credential.kind === 'MANAGED_IDENTITY')
    message.material = { case: 'managedIdentity', value: { clientId: credential.hint } };
  return message;
}

/** All credentials of an app. */
export function toCredentialMessages(
  app: AppIds,
  credentials: readonly Credential[],
  now: Timestamp,
): MessageInitShape<typeof CredentialSchema>[] {
  const roles = rolesOf(credentials, now);
  return credentials.map((credential) =>
    toCredentialMessage(app, credential, roles.get(credential.uid) ?? 'NONE', now),
  );
}

export function toAppCredentialsMessage(
  { app, credentials, reading }: AppCredentials,
  now: Timestamp,
): MessageInitShape<typeof AppCredentialsSchema> {
  return {
    app: appName(app),
    credentials: toCredentialMessages(app, credentials, now),
    unknownCredentials: reading?.unknown.map(toUnknownCredentialMessage) ?? [],
    registrationReadTime: toWireTime(reading?.readTime),
  };
}

function toUnknownCredentialMessage(unknown: UnknownCredential): MessageInitShape<typeof UnknownCredentialSchema> {
  const { keyId, kind, hint = '', expireTime } = unknown;
  return { keyId, kind: Credential_Kind[kind], hint, expireTime: toWireTime(expireTime) };
}

export function toProbeMessage(app: AppIds, probe: ProbeReport): MessageInitShape<typeof CredentialProbeSchema> {
  const { tenantId, appId } = app;
  return {
    credential: credentialName({ tenantId, appId, credentialId: probe.credentialId }),
    outcome: CredentialProbe_Outcome[probe.outcome],
    reason: toReasonMessage(probe.reason),
    entraError: probe.entraError ?? '',
    correlationId: probe.correlationId ?? '',
    message: probe.message,
    probeTime: toWireTime(probe.time),
    ...(probe.trust !== undefined && { federatedTrust: probe.trust }),
  };
}

export function fromCredentialMessage(field: string, message: CredentialMessage | undefined): CredentialRequest {
  return {
    material: fromMaterial(field, message?.material),
    expireTime: fromWireTime(`${field}.expire_time`, message?.expireTime),
    notBefore: fromWireTime(`${field}.not_before`, message?.notBefore),
  };
}

export function fromRegistrationCredential(app: AppRegistrationMessage): CredentialRequest {
  return {
    material: fromMaterial('app', app.credential),
    expireTime: fromWireTime('app.secret_expire_time', app.secretExpireTime),
    notBefore: undefined,
  };
}

function fromMaterial(
  field: string,
  material: CredentialMessage['material'] | undefined,
): RequestedMaterial | undefined {
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
    case 'managedIdentity':
      return { kind: 'MANAGED_IDENTITY', clientId: material.value.clientId };
    case 'keyVaultCertificate':
      return { kind: 'KEY_VAULT_CERTIFICATE', certificateUri: material.value.certificateUri };
    case 'generatedCertificate': {
      const life = fromWireDuration(`${field}.generated_certificate.life`, material.value.life);
      return { kind: 'GENERATED_CERTIFICATE', life };
    }
    default:
      return undefined;
  }
}
