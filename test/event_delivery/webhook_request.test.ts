import { HTTP } from 'cloudevents';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { webhookRequestOf } from '../../src/event_delivery/build_signed_webhook_request.ts';
import { eventFacts } from '../../src/model/event_data_format.ts';
import { Secret } from '../../src/model/secret.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import { expiring } from './delivery_setup.ts';

const LAST_TIME = Date.UTC(9999, 11, 31);
const text = fc.string({ unit: 'binary' });
const anySecret = fc.uint8Array({ minLength: 24, maxLength: 64 });
const toSecret = (bytes: Uint8Array) => `whsec_${Buffer.from(bytes).toString('base64')}`;

const anyEvent: fc.Arbitrary<VaultEvent> = fc
  .record({
    uid: fc.uuid(),
    time: fc.integer({ min: 0, max: LAST_TIME }),
    severity: fc.constantFrom('INFO' as const, 'WARNING' as const, 'CRITICAL' as const),
    subject: text,
    data: fc.record({
      app: text,
      clientId: text,
      kind: fc.constantFrom('CLIENT_SECRET' as const, 'CERTIFICATE' as const),
      hint: text,
      expireTime: fc.integer({ min: 0, max: LAST_TIME }),
      thresholdDays: fc.nat(),
      covered: fc.boolean(),
    }),
  })
  .map((change) => ({ ...expiring(), ...change }) as VaultEvent);

test('a receiver with any of the secrets reads each event unchanged', () => {
  fc.assert(
    fc.property(anyEvent, fc.array(anySecret, { minLength: 1, maxLength: 4 }), fc.nat(3), (event, secrets, which) => {
      const texts = secrets.map(toSecret);
      const parts = { source: 'https://vault.example', secrets: texts.map((one) => new Secret(one)) };
      const { headers, body } = webhookRequestOf(event, { ...parts, sendTime: Date.now() });
      // Requests transport bytes.
      const arrived = Buffer.from(body).toString();

      const verified = new Webhook(texts[which % texts.length] ?? '').verify(arrived, headers);

      const read = HTTP.toEvent<Record<string, string>>({ headers, body: arrived });
      if (Array.isArray(read)) throw new Error('came as a batch');
      const { subject = '' } = read;
      expect(headers['webhook-id']).toBe(event.uid);
      expect([read.id, read.type, subject, read.data]).toEqual([
        event.uid,
        `tokenvault.${event.type}`,
        event.subject,
        eventFacts(event),
      ]);
      expect(verified).toMatchObject({ id: event.uid, data: eventFacts(event) });
    }),
  );
});

test('any change of a signed request is detected', () => {
  const secret = toSecret(Buffer.alloc(32, 1));
  const { headers, body } = webhookRequestOf(expiring(), {
    source: 'urn:x',
    secrets: [new Secret(secret)],
    sendTime: Date.now(),
  });
  const webhook = new Webhook(secret);
  const later = String(Number(headers['webhook-timestamp']) + 1);
  webhook.verify(body, headers);
  expect(() => webhook.verify(body.replace('WARNING', 'INFO'), headers)).toThrow();
  expect(() => webhook.verify(body, { ...headers, 'webhook-id': 'another' })).toThrow();
  expect(() => webhook.verify(body, { ...headers, 'webhook-timestamp': later })).toThrow();
  expect(() => new Webhook(toSecret(Buffer.alloc(32, 2))).verify(body, headers)).toThrow();
});
