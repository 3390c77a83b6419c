import {
  type Credential,
  Credential_RoleSchema,
  Credential_StateSchema,
} from '../../gen/tokenvault/v1/credential_pb.ts';
import { enumText } from '../enum_text.ts';
import { dayOf } from '../status/format_times.ts';
import { KINDS } from './credential_kinds.ts';

/** Columns of credentials of several apps. */
export const CREDENTIAL_COLUMNS = ['STATE', 'EXPIRES', 'KIND', 'CREDENTIAL'];

export function credentialRow(credential: Credential): readonly string[] {
  const { kind, name } = credential;
  return [stateText(credential), expiryText(credential), KINDS[kind] ?? 'unknown', name];
}

/** Columns of the credentials of one app. */
export const OWN_CREDENTIAL_COLUMNS = ['STATE', 'ROLE', 'EXPIRES', 'LAST USED', 'KIND', 'CREDENTIAL'];

export function ownCredentialRow(credential: Credential): readonly string[] {
  const { role, lastUsedTime, kind, name } = credential;
  return [
    stateText(credential),
    enumText(Credential_RoleSchema, role),
    expiryText(credential),
    lastUsedTime === undefined ? 'never' : dayOf(lastUsedTime),
    KINDS[kind] ?? 'unknown',
    name.slice(name.lastIndexOf('/') + 1),
  ];
}

export function stateText({ state }: Credential): string {
  return enumText(Credential_StateSchema, state);
}

export function expiryText({ neverExpires, expireTime }: Credential): string {
  if (neverExpires) return 'never';
  return expireTime === undefined ? 'unknown' : dayOf(expireTime);
}
