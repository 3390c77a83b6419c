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
  return { passwords: passwords.flatMap(readPassword), certificates: certificates.flatMap(readCertificate) };
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
  const thumbprint = thumbprintOfKey(body['key']) ?? thumbprintOfIdentifier(body['customKeyIdentifier']);
  return [{ keyId, thumbprint, endTime: timeOf(body['endDateTime']) }];
}

/** From the certificate itself, which cannot be chosen freely like the identifier. */
function thumbprintOfKey(key: unknown): string | undefined {
  if (typeof key !== 'string' || key === '') return undefined;
  try {
    return new X509Certificate(Buffer.from(key, 'base64')).fingerprint.replaceAll(':', '').toLowerCase();
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
  const keyId = body?.['keyId'];
  return typeof keyId === 'string' && /^[0-9a-f-]{36}$/i.test(keyId) ? keyId.toLowerCase() : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function timeOf(value: unknown): Timestamp | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
