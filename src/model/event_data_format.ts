import type { Timestamp } from './clock.ts';
import type { EventBody, EventType } from './vault_event.ts';

/**
 * The data of an event on the stream and in webhooks: flat, times in RFC 3339, numbers and booleans as text, undefined fields
 * omitted.
 */
export function eventFacts(event: EventBody): Record<string, string> {
  const facts: Record<string, string> = {};
  const data = event.data as unknown as Readonly<Record<string, unknown>>;
  for (const [name, format] of Object.entries<Format>(FORMATS[event.type])) {
    const value = data[name];
    if (value !== undefined) facts[name] = format(value as never);
  }
  return facts;
}

type Format = (value: never) => string;

type DataOf<Type extends EventType> = Extract<EventBody, { readonly type: Type }>['data'];

/** A type or a field without a row does not compile, so no data leaves the vault by accident. */
type Formats = {
  readonly [Type in EventType]: {
    readonly [Field in keyof DataOf<Type>]-?: (value: Exclude<DataOf<Type>[Field], undefined>) => string;
  };
};

const asIs = (value: string): string => value;
const time = (value: Timestamp): string => new Date(value).toISOString();

const APP = { app: asIs, clientId: asIs };
const CREDENTIAL = { ...APP, kind: asIs, hint: asIs };
const EXPIRY = { ...CREDENTIAL, expireTime: time, thresholdDays: String, covered: String };

const FORMATS: Formats = {
  'connection.changed': {
    change: asIs,
    connectionUid: asIs,
    externalId: asIs,
    state: asIs,
    previousState: asIs,
    reason: asIs,
    resource: asIs,
    resourceState: asIs,
    resourceReason: asIs,
  },
  'connection.idle_expiring': { connectionUid: asIs, externalId: asIs, idleExpireTime: time },
  'credential.expiring': EXPIRY,
  'credential.expired': EXPIRY,
  'credential.rejected': { ...CREDENTIAL, entraError: asIs, fallback: asIs },
  'credential.expiry_mismatch': { ...CREDENTIAL, configuredExpireTime: time, entraExpireTime: time },
  'credential.unknown': { clientId: asIs, kind: asIs, keyId: asIs, hint: asIs, expireTime: time, orphan: String },
  'credential.rotating': { ...APP, step: asIs, oldCredential: asIs, newCredential: asIs, expireTime: time },
  'credential.rotation_failed': {
    ...APP,
    step: asIs,
    problem: asIs,
    code: asIs,
    permission: asIs,
    hints: (hints) => hints.join(', '),
    oldCredential: asIs,
    expireTime: time,
  },
  'app.state_changed': { state: asIs, previousState: asIs, reason: asIs, entraError: asIs },
  'vault.credential_expiring': { kind: asIs, expireTime: time, thresholdDays: String },
  'vault.root_key_rotation_due': { ageDays: String },
};

export const EVENT_TYPES: readonly string[] = Object.keys(FORMATS);
