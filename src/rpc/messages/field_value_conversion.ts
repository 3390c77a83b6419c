import type { FieldMask, Duration as WireDuration, Timestamp as WireTimestamp } from '@bufbuild/protobuf/wkt';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { type Duration, SECOND, type Timestamp } from '../../model/clock.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { GUID } from '../../model/id_patterns.ts';

/** Conversions of field values between the wire and the model. `''` on the wire means "not set". */
export function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}

export function givenLabels(labels: Record<string, string>): Record<string, string> | undefined {
  return Object.keys(labels).length === 0 ? undefined : labels;
}

const MAX_SCOPES = 100;

/** Scopes are part of URLs, cache keys and lines of the audit log, so their number is limited. */
export function fewScopes(scopes: readonly string[]): readonly string[] {
  if (scopes.length <= MAX_SCOPES) return scopes;
  throw fieldInvalid('scopes', `must have at most ${MAX_SCOPES} scopes`);
}

export function toWireTime(time: Timestamp | undefined): WireTimestamp | undefined {
  return time === undefined ? undefined : timestampFromMs(time);
}

/** 0001-01-01 and 9999-12-31 in seconds, the limits of google/protobuf/timestamp.proto. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

export function fromWireTime(field: string, time: WireTimestamp | undefined): Timestamp | undefined {
  if (time === undefined) return undefined;
  if (time.seconds < FIRST_SECOND || time.seconds > LAST_SECOND || time.nanos < 0 || time.nanos > 999_999_999)
    throw fieldInvalid(field, 'must be a time between the years 1 and 9999');
  return timestampMs(time);
}

const DEFAULT_MIN_TTL = 60 * SECOND;
const MAX_MIN_TTL = 300;

export function minTtl(duration: WireDuration | undefined): Duration {
  if (duration === undefined) return DEFAULT_MIN_TTL;
  const seconds = secondsOf(duration);
  if (seconds === undefined || seconds < 0 || seconds > MAX_MIN_TTL)
    throw fieldInvalid('min_ttl', `must be between 0s and ${MAX_MIN_TTL}s`);
  return Math.ceil(seconds * SECOND);
}

export function fromWireDuration(field: string, duration: WireDuration | undefined): Duration | undefined {
  if (duration === undefined) return undefined;
  const seconds = secondsOf(duration);
  if (seconds === undefined) throw fieldInvalid(field, 'must be a duration such as 2592000s');
  return seconds * SECOND;
}

/** Undefined if seconds and nanos have different signs. */
function secondsOf({ seconds, nanos }: WireDuration): number | undefined {
  const whole = Math.abs(nanos) < 1e9 && Number(seconds) * nanos >= 0;
  return whole ? Number(seconds) + nanos / 1e9 : undefined;
}

/** 8 KiB. */
const MAX_CLAIMS_LENGTH = 8_192;

/** A claims challenge: JSON text. OpenID Connect Core 1.0, section 5.5. */
export function claimsJson(claims: string): string | undefined {
  if (claims === '') return undefined;
  if (claims.length <= MAX_CLAIMS_LENGTH && isJsonObject(claims)) return claims;
  throw fieldInvalid(
    'claims',
    'must be a JSON object of at most 8 KiB; decode the base64 value of the WWW-Authenticate header',
  );
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const SHA256_HEX = /^[0-9a-f]{64}$/i;

export function sha256Hex(field: string, text: string): string | undefined {
  if (text === '') return undefined;
  if (SHA256_HEX.test(text)) return text.toLowerCase();
  throw fieldInvalid(field, 'must be a SHA-256 as 64 hex digits');
}

/** In lower case, as in the database. A domain or `common` instead of an id would bypass `allowed_directory_ids`. */
export function guid(field: string, text: string): string | undefined {
  if (text === '') return undefined;
  if (GUID.test(text)) return text.toLowerCase();
  throw fieldInvalid(field, 'must be a GUID');
}

/** Undefined means the fields that are not empty (AIP-134). */
export function maskPaths(mask: FieldMask | undefined): readonly string[] | undefined {
  return mask === undefined || mask.paths.length === 0 ? undefined : mask.paths;
}

/** UNSPECIFIED is undefined. A number of a later release is rejected. */
export function fromWireEnum<Known>(
  field: string,
  table: readonly (Known | undefined)[],
  value: number,
): Known | undefined {
  if (value === 0) return undefined;
  const known = table[value];
  if (known === undefined) throw fieldInvalid(field, 'has a value that this release does not know');
  return known;
}
