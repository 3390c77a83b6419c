import { create } from '@bufbuild/protobuf';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AuditEntry, AuditedToken } from '../../src/audit/audit_log_interface.ts';
import { GetAccessTokenRequestSchema } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { type Caller, type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { createConcurrencyLimit } from '../../src/model/concurrency_limit.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { FinishedCall } from '../../src/rpc/pipeline/access_log.ts';
import { CallInProgress } from '../../src/rpc/pipeline/call_in_progress.ts';
import type { RuledCall } from '../../src/rpc/pipeline/rules_of_method.ts';
import type { SharedByCalls } from '../../src/rpc/pipeline/shared_by_calls.ts';
import { createWaitingCalls } from '../../src/rpc/pipeline/waiting_call_limits.ts';

const MAIL: Caller = { id: 'mail', kind: 'api_key', credentialId: 'k1', expireTime: undefined, rules: [] };
const METHOD = 'TokenService/GetAccessToken';
const TOKEN = { source: 'CACHE', requested: [], carried: [] } as unknown as AuditedToken;
const REQUEST = create(GetAccessTokenRequestSchema, { connection: 'tenants/acme/connections/ada' });
const RULE = roleRule('the-rule', 'token_reader', ['acme']);

let monotonic: number;
beforeEach(() => {
  monotonic = 5_000;
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic);
});
afterEach(() => void vi.restoreAllMocks());

/** A call of `mail`, and everything that it did. */
function open(parts: Partial<SharedByCalls> = {}, authorization = 'Bearer tv1.k1.secret') {
  const entries: AuditEntry[] = [];
  const lines: FinishedCall[] = [];
  const events: unknown[] = [];
  const state = {
    changes: 0,
    auditFault: undefined as VaultError | undefined,
    authenticate: (): Caller | Promise<Caller> => MAIL,
    recheck: (): Caller => MAIL,
    check: (call: RuledCall) => void Object.assign(call, { rule: RULE }),
    recheckRules: (_call: RuledCall) => {},
    cancel: () => {},
  };
  const limits = { inFlight: 4, inFlightPerCaller: 4 };
  const shared: SharedByCalls = {
    method: METHOD,
    input: GetAccessTokenRequestSchema,
    resourceOf: (request) => (request as typeof REQUEST).connection,
    rules: {
      check: (call) => state.check(call),
      recheck: (call) => state.recheckRules(call),
      explain: (_, error) => error,
    },
    limit: createConcurrencyLimit(limits),
    waiting: createWaitingCalls(limits),
    authenticator: {
      authenticate: () => state.authenticate(),
      recheck: () => state.recheck(),
      known: () => [],
      listen: () => () => {},
    },
    tracing: undefined,
    audit: {
      append(entry, done) {
        entries.push(entry);
        done(state.auditFault);
      },
      fingerprint: () => '',
      writable: true,
      close: async () => {},
    },
    isAudited: () => true,
    changes: () => state.changes,
    nextRequestId: () => 'request-1',
    clock: { now: () => 77 },
    usageNotes: { authenticated: ({ id }, now) => void events.push(['used', id, now]) },
    metrics: {
      finished: (method, result, seconds) => void events.push([method, result, seconds]),
      inFlight: (change) => void events.push(change),
      rateExceeded() {},
    },
    log: {
      received: ({ requestId }, schema, request) => void events.push([requestId, schema.name, request]),
      finished: (line) => void lines.push(line),
      unexpected: (requestId, error) => void events.push(['unexpected', requestId, error]),
    },
    ...parts,
  };
  const metadata = new Metadata();
  metadata.set('authorization', authorization);
  const wire = {
    metadata,
    getDeadline: () => Number.POSITIVE_INFINITY,
    on: (_: 'cancelled', listener: () => void) => void Object.assign(state, { cancel: listener }),
    cancelled: false,
    getAuthContext: () => ({}),
    getPeer: () => '10.0.0.7:40512',
  };
  const start = () => new CallInProgress(shared, wire);
  return { state, shared, entries, lines, events, start, call: start() };
}

type Opened = ReturnType<typeof open>;

/** One that is allowed. */
function openAllowed(parts: Partial<SharedByCalls> = {}): Opened {
  const opened = open(parts);
  opened.call.authenticate();
  opened.call.authorize(REQUEST);
  return opened;
}

function completed(call: CallInProgress): (StatusObject | undefined)[] {
  const responses: (StatusObject | undefined)[] = [];
  call.complete((error) => responses.push(error));
  return responses;
}

function failed(call: CallInProgress, error: unknown): StatusObject[] {
  const responses: StatusObject[] = [];
  call.fail(error, (response) => responses.push(response));
  return responses;
}

const DENIED = new VaultError('ACCESS_DENIED', 'queued by the test');

describe('a call that succeeds', () => {
  test('is audited, counted and logged before its response', () => {
    const { call, entries, lines, events } = openAllowed();
    Object.assign(call, { note: 'a note', token: TOKEN, affectedCallers: ['web'] });
    monotonic += 1_500;

    expect(completed(call)).toEqual([undefined]);

    const ids = { requestId: 'request-1', method: METHOD, caller: 'mail', resource: 'tenants/acme/connections/ada' };
    const entry = {
      ...ids,
      time: 77,
      credentialId: 'k1',
      rule: 'the-rule',
      status: 'OK',
      duration: 1_500,
      peer: '10.0.0.7:40512',
      claimed: undefined,
      note: 'a note',
      token: TOKEN,
      affectedCallers: ['web'],
    };
    expect(entries).toEqual([entry]);
    expect(lines).toEqual([
      { ...ids, status: 'OK', duration: 1_500, hit: true, peer: undefined, claimed: undefined, tokenFault: undefined },
    ]);
    expect(events).toEqual([
      1,
      ['used', 'mail', 77],
      ['request-1', 'GetAccessTokenRequest', REQUEST],
      -1,
      [METHOD, 'OK', 1.5],
    ]);
  });

  test('is no hit unless its token came from memory', () => {
    const { call, lines } = openAllowed();
    call.token = { ...TOKEN, source: 'ENTRA' };
    completed(call);
    expect(lines).toMatchObject([{ hit: false }]);

    const without = openAllowed();
    completed(without.call);
    expect(without.lines).toMatchObject([{ hit: false }]);
  });

  test('gets no token if the audit log fails', () => {
    const { call, state, lines, events } = openAllowed();
    call.token = TOKEN;
    state.auditFault = new VaultError('AUDIT_UNAVAILABLE', 'queued by the test');

    expect(completed(call)).toMatchObject([{ code: status.UNAVAILABLE }]);

    expect(lines).toMatchObject([{ status: 'AUDIT_UNAVAILABLE', hit: false }]);
    expect(events.at(-1)).toEqual([METHOD, 'AUDIT_UNAVAILABLE', 0]);
  });

  test('needs no log, metrics, notes of use or resource', () => {
    const { call, entries } = openAllowed({
      log: undefined,
      metrics: undefined,
      usageNotes: undefined,
      resourceOf: undefined,
    });

    expect(completed(call)).toEqual([undefined]);
    expect(entries).toMatchObject([{ resource: '' }]);
    const unread = openAllowed({ log: { received: undefined, finished() {}, unexpected() {} } });
    expect(completed(unread.call)).toEqual([undefined]);
  });
});

describe('a call that fails', () => {
  test('is audited with its reason, and without a token', () => {
    const { call, entries, lines, events } = openAllowed();
    call.token = TOKEN;
    monotonic += 2_000;

    expect(failed(call, DENIED)).toMatchObject([{ code: status.PERMISSION_DENIED }]);

    const outcome = { status: 'ACCESS_DENIED', duration: 2_000, claimed: undefined };
    expect(entries).toMatchObject([{ ...outcome, caller: 'mail', token: undefined }]);
    expect(lines).toMatchObject([{ ...outcome, hit: false, peer: undefined }]);
    expect(events.slice(-2)).toEqual([-1, [METHOD, 'ACCESS_DENIED', 2]]);
  });

  test('gets its error even if the audit log fails', () => {
    const { call, state } = openAllowed();
    state.auditFault = new VaultError('AUDIT_UNAVAILABLE', 'queued by the test');

    expect(failed(call, DENIED)).toMatchObject([{ code: status.PERMISSION_DENIED }]);
  });

  test('of an unexpected error is logged with that error, and of another one is not', () => {
    const { call, events } = openAllowed();
    const bug = new TypeError('a bug');
    expect(failed(call, bug)).toMatchObject([{ code: status.INTERNAL }]);
    expect(events).toContainEqual(['unexpected', 'request-1', bug]);

    const expected = openAllowed();
    failed(expected.call, DENIED);
    expect(expected.events.flat()).not.toContain('unexpected');
    expect(failed(openAllowed({ log: undefined }).call, bug)).toMatchObject([{ code: status.INTERNAL }]);
  });

  test('has the error that its rules explain', () => {
    const { call } = openAllowed({ rules: { check() {}, recheck() {}, explain: () => DENIED } });

    expect(failed(call, new VaultError('SCOPE_ABOVE_CEILING', 'x'))).toMatchObject([
      { code: status.PERMISSION_DENIED },
    ]);
  });
});

describe('a call without a valid credential', () => {
  const UNKNOWN = new VaultError('UNAUTHENTICATED', 'queued by the test', { metadata: { tokenFault: 'EXPIRED' } });

  test('is audited with what it claims, and its peer is logged', () => {
    const { call, entries, lines } = open({}, `Bearer tv1.${'k'.repeat(8)}.x`);

    expect(failed(call, UNKNOWN)).toMatchObject([{ code: status.UNAUTHENTICATED }]);

    const nobody = { caller: 'unknown', credentialId: '', rule: '', resource: '' };
    expect(entries).toMatchObject([{ ...nobody, status: 'UNAUTHENTICATED' }]);
    expect(entries[0]?.claimed).toBeDefined();
    expect(lines).toMatchObject([{ peer: '10.0.0.7:40512', tokenFault: 'EXPIRED', claimed: entries[0]?.claimed }]);
  });

  test('beyond the limit of their entries is counted only', () => {
    const { call, entries, lines, events } = open({ isAudited: () => false });

    expect(failed(call, UNKNOWN)).toHaveLength(1);

    expect([entries, lines]).toEqual([[], []]);
    expect(events).toEqual([1, -1, [METHOD, 'UNAUTHENTICATED', 0]]);
  });

  test('counts as such also while the keys of its token cannot be read', () => {
    const { call, entries } = open({ isAudited: () => false });
    failed(call, new VaultError('KEY_SOURCE_UNAVAILABLE', 'queued by the test'));
    expect(entries).toEqual([]);
  });

  test('counts as such although its caller was known before', () => {
    const { call, entries } = openAllowed({ isAudited: () => false });
    failed(call, UNKNOWN);
    expect(entries).toEqual([]);

    const audited = openAllowed();
    failed(audited.call, UNKNOWN);
    expect(audited.lines).toMatchObject([{ caller: 'mail', peer: '10.0.0.7:40512' }]);
  });
});

describe('the limits', () => {
  test('are those of the caller, and are free after the call', async () => {
    const { start } = open();
    const calls = [];
    for (let i = 0; i < 4; i++) {
      const call = start();
      call.authenticate();
      calls.push(call);
    }
    const refused = start();
    expect(() => refused.authenticate()).toThrow(expect.objectContaining({ reason: 'OVERLOADED' }));

    failed(refused, new VaultError('OVERLOADED', 'x'));
    const again = start();
    expect(() => again.authenticate()).toThrow(expect.objectContaining({ reason: 'OVERLOADED' }));
    for (const call of calls) completed(call);
    expect(() => start().authenticate()).not.toThrow();
  });

  test('of waiting calls are free after the call', () => {
    const { start } = openAllowed();
    for (let i = 0; i < 5; i++) {
      const call = start();
      call.authenticate();
      call.authorize(REQUEST);
      call.wait();
      const another = start();
      another.authenticate();
      another.authorize(REQUEST);
      expect(() => another.wait()).toThrow(expect.objectContaining({ reason: 'OVERLOADED' }));
      completed(call);
      completed(another);
    }
  });
});

test('only a call that waited leaves those that wait', () => {
  const left: unknown[] = [];
  const waiting = { enter: () => 'entered', leave: (...ids: unknown[]) => void left.push(ids) };
  const { call, start } = openAllowed({ waiting });
  call.wait();
  completed(call);
  completed(start());

  expect(left).toEqual([['mail', 'entered']]);
});

test('a token that is seen first is authenticated by a promise', async () => {
  const { call, state, events } = open();
  state.authenticate = () => Promise.resolve(MAIL);

  const entered = call.authenticate();
  expect(call.caller.id).toBe('unknown');
  await entered;

  expect(call.caller).toBe(MAIL);
  expect(events).toContainEqual(['used', 'mail', 77]);
  expect(openAllowed().call.caller).toBe(MAIL);
});

test('the resource of a request is cut where the longest valid name ends, between characters', () => {
  const resources = ['x'.repeat(256), `${'x'.repeat(256)}y`, `${'x'.repeat(255)}😀`].map((connection) => {
    const { call } = open();
    return call.authorize(create(GetAccessTokenRequestSchema, { connection })).resource;
  });

  expect(resources).toEqual(['x'.repeat(256), 'x'.repeat(256), `${'x'.repeat(255)}�`]);
});

test('a call whose rules refuse it is not authorized', () => {
  const { call, state } = open();
  state.check = () => {
    throw DENIED;
  };
  expect(() => call.authorize(REQUEST)).toThrow(DENIED);
});

test('the signal of a call is created once, and aborts when the caller cancels', () => {
  const { call, state } = openAllowed();
  const signal = call.signal();
  expect([call.signal() === signal, signal.aborted]).toEqual([true, false]);
  state.cancel();
  expect(signal.aborted).toBe(true);
});

describe('before a token leaves', () => {
  const limited = (...rules: Rule[]) => rules;

  test('access is checked again if something changed', () => {
    const { call, state, entries } = openAllowed();
    call.token = TOKEN;
    state.changes = 1;
    state.recheckRules = () => {
      throw DENIED;
    };

    expect(completed(call)).toMatchObject([{ code: status.PERMISSION_DENIED }]);
    expect(entries).toMatchObject([{ status: 'ACCESS_DENIED', token: undefined }]);
  });

  test('access is not checked again without a change, or without a token', () => {
    const unchanged = openAllowed();
    unchanged.call.token = TOKEN;
    const tokenless = openAllowed();
    tokenless.state.changes = 1;
    for (const { call, state } of [unchanged, tokenless]) {
      state.recheck = () => expect.unreachable('nothing changed');
      expect(completed(call)).toEqual([undefined]);
    }
  });

  test('the caller is as it is now, and no other one', () => {
    const { call, state } = openAllowed();
    const renewed = { ...MAIL, rules: [RULE] };
    state.recheck = () => renewed;
    call.checkAccess();
    expect(call.caller).toBe(renewed);

    state.recheck = () => ({ ...MAIL, id: 'web' });
    expect(() => call.checkAccess()).toThrow(expect.objectContaining({ reason: 'UNAUTHENTICATED' }));
    expect(call.caller).toBe(renewed);
  });

  test.each<[string, Rule[] | undefined, Rule[] | undefined, number | undefined]>([
    ['other ceilings apply', limited(RULE), limited({ ...RULE }), status.PERMISSION_DENIED],
    ['a ceiling applies for the first time', undefined, limited(RULE), status.PERMISSION_DENIED],
    ['the same ceilings apply', limited(RULE), limited(RULE), undefined],
    ['no ceiling applies any more', limited(RULE), undefined, undefined],
  ])('the call must be repeated if the token was decided by other rules: %s', (_, before, after, code) => {
    const { call, state } = openAllowed();
    Object.assign(call, { token: TOKEN, limitedBy: before });
    state.changes = 1;
    state.recheckRules = (rechecked) => void Object.assign(rechecked, { limitedBy: after });

    expect(completed(call)[0]?.code).toBe(code);
  });
});

test('a call whose connection was closed at its start has an unknown peer', () => {
  const { shared, entries } = open();
  const wire = { metadata: new Metadata(), cancelled: false, getAuthContext: () => ({}), on: () => undefined };
  const call = new CallInProgress(shared, {
    ...wire,
    getDeadline: () => Number.POSITIVE_INFINITY,
    getPeer() {
      throw new Error('the socket was disconnected');
    },
  });
  call.authenticate();
  completed(call);
  expect(entries).toMatchObject([{ peer: 'unknown' }]);
});
