import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventFacts } from '../../src/model/event_data_format.ts';
import type { EventBody } from '../../src/model/vault_event.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const LAST_TIME = Date.UTC(9999, 11, 31);

const times = fc.integer({ min: 0, max: LAST_TIME });
const days = fc.integer({ min: 0, max: 365 });
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const credentialExpiring = fc.record({
  app: fc.string(),
  clientId: fc.uuid(),
  kind: fc.constantFrom('CLIENT_SECRET' as const, 'CERTIFICATE' as const, 'FEDERATED' as const),
  hint: fc.string(),
  expireTime: times,
  thresholdDays: days,
  covered: fc.boolean(),
});
const reasons = maybe(fc.constantFrom('REAUTHORIZATION_REQUIRED' as const, 'APP_MISCONFIGURED' as const));
const states = maybe(fc.constantFrom('ACTIVE' as const, 'PENDING' as const));
const apps = fc.constantFrom('OK' as const, 'CREDENTIAL_REJECTED' as const);

const events: fc.Arbitrary<EventBody> = fc.oneof(
  fc.record({ type: fc.constant('credential.expiring' as const), data: credentialExpiring }),
  fc.record({ type: fc.constant('credential.expired' as const), data: credentialExpiring }),
  fc.record({
    type: fc.constant('connection.changed' as const),
    data: fc.record({
      change: fc.constantFrom('CREATED' as const, 'DELETED' as const),
      connectionUid: fc.string(),
      externalId: maybe(fc.string()),
      state: states,
      previousState: states,
      reason: reasons,
      resource: maybe(fc.string()),
      resourceState: maybe(fc.constantFrom('ACTIVE' as const, 'BLOCKED' as const)),
      resourceReason: reasons,
    }),
  }),
  fc.record({
    type: fc.constant('connection.idle_expiring' as const),
    data: fc.record({ connectionUid: fc.string(), externalId: maybe(fc.string()), idleExpireTime: times }),
  }),
  fc.record({
    type: fc.constant('app.state_changed' as const),
    data: fc.record({ state: apps, previousState: apps, reason: reasons, entraError: maybe(fc.string()) }),
  }),
  fc.record({
    type: fc.constant('vault.credential_expiring' as const),
    data: fc.record({
      kind: fc.constantFrom('TLS_CERTIFICATE' as const, 'API_KEY' as const),
      expireTime: times,
      thresholdDays: days,
    }),
  }),
  fc.record({ type: fc.constant('vault.root_key_rotation_due' as const), data: fc.record({ ageDays: days }) }),
);

test('contains each known fact as text, and no unknown one', () => {
  fc.assert(
    fc.property(events, (event) => {
      const known = Object.entries(event.data).filter(([, value]) => value !== undefined);

      const facts = eventFacts(event);

      expect(Object.keys(facts).sort()).toEqual(known.map(([name]) => name).sort());
      for (const [name, value] of known) {
        if (!name.endsWith('Time')) expect(facts[name]).toBe(String(value));
      }
    }),
  );
});

test('writes times in RFC 3339, and each can be parsed', () => {
  fc.assert(
    fc.property(events, (event) => {
      for (const [name, text] of Object.entries(eventFacts(event))) {
        if (!name.endsWith('Time')) continue;
        expect(text).toMatch(RFC_3339);
        expect(Date.parse(text)).toBe((event.data as unknown as Record<string, unknown>)[name]);
      }
    }),
  );
});
