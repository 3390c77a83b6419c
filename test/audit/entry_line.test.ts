import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuditEntry } from '../../src/audit/audit_log_interface.ts';
import { createEntryLine } from '../../src/audit/format_entry_as_json_line.ts';

const entry: AuditEntry = {
  time: 0,
  requestId: 'r-1',
  caller: 'mail-sync',
  credentialId: 'k1',
  rule: 'reads',
  method: 'TokenService/GetAccessToken',
  resource: 'tenants/acme/connections/ada',
  status: 'OK',
  duration: 1.25,
  peer: '10.0.0.1:4000',
};

test('a line has its fields in a fixed order', () => {
  const line = createEntryLine('one');
  const head =
    '{"n":7,"time":"1970-01-01T00:00:01.007Z","instance":"one","request":"r-1","caller":"mail-sync","credential":"k1",' +
    '"rule":"reads","method":"TokenService/GetAccessToken","resource":"tenants/acme/connections/ada","status":"OK",' +
    '"ms":0.123,"peer":"10.0.0.1:4000"';
  const one = { ...entry, time: 1_007.9, duration: 0.12345 };
  expect(line(7, one)).toBe(`${head}}\n`);
  expect(line(7, { ...one, note: 'why "so"' })).toBe(`${head},"note":"why \\"so\\""}\n`);
  expect(line(7, { ...one, affectedCallers: ['crm'] })).toBe(`${head},"affected_callers":["crm"]}\n`);
  expect(line(7, { ...one, traceparent: '00-1-2-01' })).toBe(`${head},"traceparent":"00-1-2-01"}\n`);
  const claimed = { key: 'k', certificate: 'c', token: { issuer: 'i', subject: 's' } };
  expect(line(7, { ...one, claimed })).toBe(
    `${head},"claimed_key":"k","claimed_certificate":"c","claimed_issuer":"i","claimed_subject":"s"}\n`,
  );
  const token = {
    requested: ['Mail.ReadOnly'],
    carried: ['Mail.Read'],
    excess: ['User.Read'],
    source: 'ENTRA',
    correlationId: 'c-1',
    fingerprint: 'ab',
    expireTime: 2_000,
    subject: { directoryId: 'd', clientId: 'a' },
  };
  expect(line(7, { ...one, token })).toBe(
    `${head},"requested":["Mail.ReadOnly"],"carried":["Mail.Read"],"excess":["User.Read"],"source":"ENTRA",` +
      '"correlation":"c-1","token":"ab","token_end":"1970-01-01T00:00:02.000Z","directory":"d","client":"a"}\n',
  );
});

test('each line has its own time', () => {
  const time = fc.integer({ min: Date.UTC(1971, 0), max: Date.UTC(2200, 0) });
  fc.assert(
    fc.property(fc.array(fc.tuple(time, fc.nat(1_999)), { minLength: 1 }), (times) => {
      const line = createEntryLine('one');
      for (const at of times.flatMap(([start, later]) => [start, start + later])) {
        expect(JSON.parse(line(1, { ...entry, time: at }))).toMatchObject({ time: new Date(at).toISOString() });
      }
    }),
  );
});

test('a line is valid JSON whatever names a caller sends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const line = createEntryLine(name)(1, { ...entry, resource: name });
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toMatchObject({ instance: name, resource: name });
    }),
  );
});

test('the text of a token is the same at its second cache hit', () => {
  const token = {
    requested: ['Mail.ReadOnly'],
    carried: ['Mail.Read', 'User.Read'],
    source: 'CACHE',
    correlationId: 'c-1',
    fingerprint: '0123456789abcdef',
    expireTime: Date.UTC(2027, 0),
    subject: { directoryId: 'directory-1', userId: 'user-1' },
  };
  const line = createEntryLine('one');

  expect(line(7, { ...entry, token })).toBe(line(7, { ...entry, token }));
  expect(JSON.parse(line(8, { ...entry, token }))).toMatchObject({
    requested: ['Mail.ReadOnly'],
    carried: ['Mail.Read', 'User.Read'],
    token_end: '2027-01-01T00:00:00.000Z',
    directory: 'directory-1',
    user: 'user-1',
  });
});

test('a line has the address of the peer, and the ids of unknown credentials', () => {
  const line = createEntryLine('one');
  const of = (key?: string, certificate?: string) => JSON.parse(line(1, { ...entry, claimed: { key, certificate } }));

  expect(of('mail')).toMatchObject({ peer: '10.0.0.1:4000', claimed_key: 'mail' });
  expect(of()).not.toHaveProperty('claimed_key');
  expect(of(undefined, 'spiffe://acme/"')).toMatchObject({ claimed_certificate: 'spiffe://acme/"' });
  expect(of()).not.toHaveProperty('claimed_certificate');
});

test('a line of a change of labels names the callers that it concerns', () => {
  const line = createEntryLine('one');
  const affectedCallers = ['crm', 'mail'];
  expect(JSON.parse(line(1, { ...entry, affectedCallers }))).toMatchObject({ affected_callers: affectedCallers });
  expect(JSON.parse(line(1, entry))).not.toHaveProperty('affected_callers');
});
