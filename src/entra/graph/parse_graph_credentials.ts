import { X509Certificate } from 'node:crypto';
import type { Timestamp } from '../../model/clock.ts';
import { Secret } from '../../model/secret.ts';
import type {
  AddedPassword,
  Registered,
  RegisteredCertificate,
  RegisteredPassword,
} from '../app_registrations_interface.ts';
import type { JsonObject } from '../json_object.ts';

/**
 * Reads Graph's application resource; undefined: it is another value. Includes credentials without a readable end.
 * https://learn.microsoft.com/graph/api/resources/application
 */
export function readRegistered(body: JsonObject | undefined): Registered | undefined {
  const passwords = listOf(body?.['passwordCredentials']);
  const certificates = listOf(body?.['keyCredentials']);
  if (passwords === undefined || certificates === undefined) return undefined;
  return {
    objectId: idOf(body?.['id']),
    passwords: passwords.flatMap(readPassword),
    certificates: certificates.flatMap(readCertificate),
  };
}

/** Graph's page shows a key credential without its id, so it may be undefined. https://learn.microsoft.com/graph/api/application-addkey */
export function readAddedKeyId(body: JsonObject | undefined): string | undefined {
  return keyIdOf(body);
}

/** `endTime`: as requested, if Graph does not return it. https://learn.microsoft.com/graph/api/resources/passwordcredential */
export function readAddedPassword(body: JsonObject | undefined, endTime: Timestamp): AddedPassword | undefined {
  const keyId = keyIdOf(body);
  const text = body?.['secretText'];
  if (keyId === undefined || typeof text !== 'string' || text === '') return undefined;
  return { keyId, secret: new Secret(text), endTime: timeOf(body?.['endDateTime']) ?? endTime };
}

function readPassword(body: JsonObject): RegisteredPassword[] {
  const keyId = keyIdOf(body);
  if (keyId === undefined) return [];
  const { hint, displayName, endDateTime } = body;
  return [{ keyId, hint: textOf(hint), displayName: textOf(displayName), endTime: timeOf(endDateTime) }];
}

/** https://learn.microsoft.com/graph/api/resources/keycredential */
function readCertificate(body: JsonObject): RegisteredCertificate[] {
  const keyId = keyIdOf(body);
  if (keyId === undefined) return [];
  const certificate = certificateOf(body['key']);
  // The certificate itself cannot be chosen freely like the identifier and the name.
  const fingerprint = certificate?.fingerprint.replaceAll(':', '').toLowerCase();
  const thumbprint = fingerprint ?? thumbprintOfIdentifier(body['customKeyIdentifier']);
  const displayName = /^CN=(.*)$/m.exec(certificate?.subject ?? '')?.[1] ?? '';
  return [{ keyId, displayName, thumbprint, endTime: timeOf(body['endDateTime']) }];
}

function certificateOf(key: unknown): X509Certificate | undefined {
  if (typeof key !== 'string' || key === '') return undefined;
  try {
    return new X509Certificate(Buffer.from(key, 'base64'));
  } catch {
    return undefined;
  }
}

/** By default the thumbprint, in hex or as 20 bytes in base64; otherwise any text. */
function thumbprintOfIdentifier(identifier: unknown): string | undefined {
  if (typeof identifier !== 'string') return undefined;
  if (/^[0-9a-f]{40}$/i.test(identifier)) return identifier.toLowerCase();
  return /^[A-Za-z0-9+/]{27}=$/.test(identifier) ? Buffer.from(identifier, 'base64').toString('hex') : undefined;
}

function listOf(value: unknown): JsonObject[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((one): one is JsonObject => typeof one === 'object' && one !== null);
}

function keyIdOf(body: JsonObject | undefined): string | undefined {
  return idOf(body?.['keyId']);
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f-]{36}$/i.test(value) ? value.toLowerCase() : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function timeOf(value: unknown): Timestamp | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
