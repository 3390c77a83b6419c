import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { FAULT_KINDS } from '../faults/fault.ts';
import { json } from '../http/http_response.ts';
import { type AdminCall, type AdminRoute, bodyOf, param } from './admin_route.ts';

const LONGEST_FOLLOW = 25_000;

const text = z.string().min(1);
const GRAPH_OPERATIONS = ['getApplication', 'listApplications', 'addPassword', 'removePassword'] as const;
const faultBody = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  count: z.int().min(1).optional(),
  untilRemoved: z.boolean().optional(),
  after: z.int().min(0).optional(),
  startTime: z.number().optional(),
  user: text.optional(),
  app: text.optional(),
  directory: text.optional(),
  authority: text.optional(),
  resource: text.optional(),
  credential: text.optional(),
  endpoint: z.enum(['token', 'authorize', 'adminconsent', 'discovery', 'graph', 'outlook', 'any']).optional(),
  grant: text.optional(),
  operation: z.enum(GRAPH_OPERATIONS).optional(),
  milliseconds: z.number().min(0).optional(),
  bytes: z.number().min(0).optional(),
  retryAfter: z.number().nullable().optional(),
  retryAfterDate: z.boolean().optional(),
  location: text.optional(),
  code: z.int().optional(),
  error: text.optional(),
  suberror: text.nullable().optional(),
  status: z.int().min(200).max(599).optional(),
  claims: text.optional(),
  description: text.optional(),
  errorCodes: z.array(z.int()).optional(),
});

/** The clock, faults, gates, and what was asked. */
export const FAULT_ROUTES: AdminRoute[] = [
  { method: 'GET', path: '/sandbox/clock', does: 'the time, and how far it is ahead of real time (ms)', run: clock },
  {
    method: 'POST',
    path: '/sandbox/clock',
    does: 'moves the clock, by advance_ms or to set_ms',
    example: { advance_ms: 3_600_000 },
    run: async (call) => {
      const schema = z.strictObject({ advanceMs: z.number().optional(), setMs: z.number().optional() });
      const { advanceMs, setMs } = bodyOf(call, schema);
      if (setMs !== undefined) call.sandbox.clock.set(setMs);
      if (advanceMs !== undefined) call.sandbox.clock.advance(advanceMs);
      await call.world.clockFollowers.moved();
      return clock(call);
    },
  },
  {
    method: 'GET',
    path: '/sandbox/clock/follow',
    does: 'waits (at most 25 s) until the clock is elsewhere than offset; moving it waits in turn for its followers',
    run: async (call) => {
      const { query, world } = call;
      await world.clockFollowers.follow(query.get('follower') ?? '', Number(query.get('offset')), LONGEST_FOLLOW);
      return clock(call);
    },
  },
  {
    method: 'POST',
    path: '/sandbox/settings',
    does: 'access_token_lifetime in seconds (null: as Entra), loop_guard, auto_sign_in (a username, or null)',
    example: { access_token_lifetime: 600, loop_guard: false },
    run: (call) => {
      const body = bodyOf(
        call,
        z.strictObject({
          accessTokenLifetime: z.int().min(1).nullable().optional(),
          loopGuard: z.boolean().optional(),
          autoSignIn: text.nullable().optional(),
        }),
      );
      const { settings } = call.sandbox;
      if (body.accessTokenLifetime !== undefined) settings.accessTokenLifetime = body.accessTokenLifetime ?? undefined;
      if (body.loopGuard !== undefined) settings.loopGuard = body.loopGuard;
      if (body.autoSignIn !== undefined) settings.autoSignIn = body.autoSignIn ?? undefined;
      return { data: settings };
    },
  },
  {
    method: 'POST',
    path: '/sandbox/faults',
    does: `the next count requests go wrong, or all (until_removed); limited by user, app, directory, authority, resource, grant or credential (key id); at endpoint authorize or adminconsent an error leads the browser back to the app; at graph an operation may be named; kinds: ${FAULT_KINDS.join(', ')}`,
    example: { kind: 'throttle', count: 2, retry_after: 5, user: 'ada@contoso.example' },
    run: (call) => ({ data: call.sandbox.injectFault(bodyOf(call, faultBody)) }),
  },
  {
    method: 'GET',
    path: '/sandbox/faults',
    does: 'those still to come',
    run: ({ world }) => ({ data: world.faults.list() }),
  },
  {
    method: 'DELETE',
    path: '/sandbox/faults/:id',
    does: 'forgets one',
    run: (call) => void call.sandbox.removeFault(param(call, 'id')),
  },
  { method: 'DELETE', path: '/sandbox/faults', does: 'forgets them', run: ({ sandbox }) => void sandbox.clearFaults() },
  {
    method: 'GET',
    path: '/sandbox/requests',
    does: 'what was asked (the latest ten thousand), and counts',
    run: ({ sandbox }) => ({ data: { counts: sandbox.counters(), requests: sandbox.requests() } }),
  },
  {
    method: 'GET',
    path: '/sandbox/counters',
    does: 'the counts alone',
    run: ({ sandbox }) => ({ data: sandbox.counters() }),
  },
  {
    method: 'DELETE',
    path: '/sandbox/requests',
    does: 'counts from zero again',
    run: ({ sandbox }) => void sandbox.clearRequests(),
  },
  {
    method: 'POST',
    path: '/sandbox/hold',
    does: 'the next token request, or the next of that operation of Graph, waits at a gate; stage answer (default): its work is done, request: not begun',
    example: { stage: 'answer' },
    run: (call) => {
      const schema = z.strictObject({
        stage: z.enum(['request', 'answer']).optional(),
        operation: z.enum(GRAPH_OPERATIONS).optional(),
      });
      return { data: { id: call.world.holds.next(bodyOf(call, schema)).id } };
    },
  },
  {
    method: 'GET',
    path: '/sandbox/hold/:id',
    does: 'waits (at most 30 s, or wait_ms) until the request is there',
    run: async ({ world, params, query }) => {
      const hold = world.holds.find(params['id'] ?? '');
      if (hold === undefined) throw new RangeError(`the sandbox knows no hold ${params['id']}`);
      const longest = Number(query.get('wait_ms') ?? 30_000);
      await Promise.race([hold.arrived, delay(longest, undefined, { ref: false })]);
      return { data: { id: hold.id, arrived: hold.hasArrived() } };
    },
  },
  {
    method: 'POST',
    path: '/sandbox/hold/:id/release',
    does: 'lets it go',
    run: (call) => {
      const hold = call.world.holds.find(param(call, 'id'));
      if (hold === undefined) throw new RangeError(`the sandbox knows no hold ${param(call, 'id')}`);
      hold.release();
      return undefined;
    },
  },
  {
    method: 'POST',
    path: '/sandbox/trap',
    does: 'where the redirect fault leads: notes whether credentials came along, and answers as if all were well',
    run: trap,
  },
  {
    method: 'GET',
    path: '/sandbox/trap',
    does: 'what came there',
    run: ({ sandbox }) => ({ data: { trapped: sandbox.trapped() } }),
  },
];

function clock({ sandbox }: AdminCall) {
  return { data: { now: sandbox.clock.now(), offset: sandbox.clock.offset() } };
}

function trap({ world, method, rawBody }: AdminCall) {
  const form = new URLSearchParams(rawBody);
  world.trapped.push({
    time: world.clock.now(),
    method,
    hadClientSecret: form.has('client_secret'),
    hadClientAssertion: form.has('client_assertion'),
    hadRefreshToken: form.has('refresh_token'),
  });
  return { answer: json(200, { token_type: 'Bearer', expires_in: 3600, access_token: 'trapped' }) };
}
