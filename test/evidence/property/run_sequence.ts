import { MINUTE, SECOND } from '../../../src/model/clock.ts';
import { isVaultError, type VaultError } from '../../../src/model/errors.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Meaning, Refusal } from './answers.ts';
import { justification, type Known } from './justified.ts';
import { checkPacing } from './pacing.ts';
import { APP_RESOURCE, type Entry, RESOURCES } from './scripted_entra.ts';
import type { Sequence, Step } from './steps.ts';
import type { WatchedMaps } from './watched_maps.ts';
import { DIRECTORIES, type Ground, openCloud, SCOPES, USERS, type User, type World } from './world.ts';

/** How often each event occurred, so that a run without evidence is noticed. */
export type Tally = Map<string, number>;

type Resource = 0 | 1;

const OF_ONE_RESOURCE: ReadonlySet<string> = new Set([
  'request',
  'resource',
  'resource_in_directory',
  'caller',
  'vault',
]);
const LASTING: ReadonlySet<string> = new Set(['reauthorize', 'consent', 'blocked', 'ambiguous', 'loop_detected']);
const LASTING_WORDS: ReadonlySet<string> = new Set(['invalid_grant', 'interaction_required', 'consent_required']);

/** A repair at Entra alone does not end it. */
function isLasting({ error, suberror }: Refusal, { kind }: Meaning): boolean {
  return LASTING.has(kind) || (kind === 'unknown' && (suberror !== undefined || LASTING_WORDS.has(error)));
}

function userAt(at: number): User {
  const user = USERS[at];
  if (user === undefined) throw new Error('no such user');
  return user;
}

/** Entra named a time in which it must be left alone. */
function isThrottled(log: readonly Entry[]): boolean {
  return log.some(({ meaning }) => meaning?.kind === 'throttled');
}

function describe(log: readonly Entry[]): string {
  return log
    .map(
      ({
        step,
        answeredStep,
        time,
        app,
        directory,
        user,
        tenant,
        grant,
        resource,
        credential,
        hasClaims,
        refusal,
        meaning,
      }) =>
        [
          `${step}${answeredStep === step ? '' : `-${answeredStep}`}`,
          new Date(time).toISOString().slice(8, 19),
          app,
          directory?.slice(0, 2),
          tenant,
          user,
          grant,
          resource.slice(8, 13),
          credential,
          hasClaims ? 'claims' : '',
          refusal === undefined ? 'granted' : `${refusal.error}/${refusal.code}/${refusal.suberror ?? ''}`,
          meaning === undefined ? '' : `${meaning.kind} ${meaning.subject}`,
        ].join(' '),
    )
    .join('\n');
}

/** How long some of Entra's servers may refuse a new credential. */
const PROPAGATION = 15 * MINUTE;
const RECOVERY = 5 * MINUTE + 30 * SECOND;

export async function runSequence(ground: Ground, sequence: Sequence, tally: Tally, maps: WatchedMaps): Promise<void> {
  maps.clear();
  maps.limit = sequence.mapLimit;
  const world = await openCloud(ground, sequence.beginning);
  try {
    const runner = createRunner(world, tally, maps);
    for (const step of sequence.steps) {
      world.nextStep();
      await runner.run(step);
      await world.server.settled();
      runner.check();
    }
    if (sequence.recovery.length > 0) await runner.recover(sequence.recovery.map(userAt));
  } finally {
    await world.close();
  }
}

function createRunner(world: World, tally: Tally, maps: WatchedMaps) {
  const { log, faults, late, tokens, server } = world;
  /** Users (`user`), or their resources (`user resource`), with an answer that was no success, and none that was since. */
  const troubled = new Map<string, Set<string>>();
  /** The same, where the answer lasts until somebody acts. */
  const lost = new Set<string>();
  const pending = new Map<string, Promise<unknown>>();
  let read = 0;
  let setBackStep = 0;
  const setBacks: { at: number; by: number }[] = [];
  let addTime = -Infinity;

  const count = (what: string) => void tally.set(what, (tally.get(what) ?? 0) + 1);

  /** Brings `troubled` and `lost` up to date with the log. */
  function readLog(): void {
    for (const { user, resource, grant, hasClaims, refusal, meaning } of log.slice(read)) {
      if (grant !== 'refresh' || user === undefined) continue;
      const key = `${user} ${resource}`;
      if (refusal === undefined || meaning === undefined) {
        // A grant with claims does not end what the same request without them was refused for.
        if (hasClaims) continue;
        // What was refused for one resource may be refused again for it alone.
        for (const [whose, keys] of troubled) if (keys.delete(key) && keys.size === 0) troubled.delete(whose);
        continue;
      }
      // What is about the claims, or about what was asked with them, is no answer to the others of the connection.
      if (hasClaims && OF_ONE_RESOURCE.has(meaning.subject)) continue;
      const whose = OF_ONE_RESOURCE.has(meaning.subject) ? key : user;
      troubled.set(whose, new Set([...(troubled.get(whose) ?? []), key]));
      if (!hasClaims && isLasting(refusal, meaning)) lost.add(whose);
    }
    read = log.length;
  }

  function isServedByEntra(user: User, resource: Resource): boolean {
    const met = (world.credentials.get(user.app) ?? []).map((credential) =>
      world.faultOf({
        app: user.app,
        directory: user.directory,
        credential,
        grant: 'refresh',
        user: user.id,
        tenant: user.tenant,
        resource: RESOURCES[resource],
        hasClaims: false,
      }),
    );
    // Where one credential works, the faults of the others are theirs alone.
    return met.includes(undefined) && met.every((fault) => fault === undefined || fault.credential !== undefined);
  }

  function isClean(user: User, resource: Resource): boolean {
    const keys = [user.id, `${user.id} ${RESOURCES[resource]}`];
    return keys.every((key) => !lost.has(key) && !troubled.has(key)) && isServedByEntra(user, resource);
  }

  async function ask(user: User, resource: Resource, claims?: string): Promise<VaultError | undefined> {
    try {
      await tokens.get({
        callerId: 'product',
        tenantId: user.tenant,
        connectionId: world.nameOf(user),
        scopes: [SCOPES[resource]],
        minTtl: 5 * SECOND,
        claims,
        rejectedTokenSha256: undefined,
        signal: () => new AbortController().signal,
      });
      count('served');
      return undefined;
    } catch (error) {
      if (!isVaultError(error)) throw error;
      count(`refused with ${error.reason}`);
      return error;
    }
  }

  /** Requests a token, and checks the property; true: served. */
  async function get(user: User, resource: Resource): Promise<boolean> {
    await ready(user);
    const clean = isClean(user, resource);
    const start = log.length;
    const error = await ask(user, resource);
    if (error !== undefined && clean) judge(user, resource, error, start);
    return error === undefined;
  }

  async function getTogether(users: readonly User[], resource: Resource): Promise<void> {
    for (const user of users) await ready(user);
    const clean = users.map((user) => isClean(user, resource));
    const start = log.length;
    const errors = await Promise.all(users.map((user) => ask(user, resource)));
    for (const [at, user] of users.entries()) {
      const error = errors[at];
      if (error !== undefined && clean[at]) judge(user, resource, error, start);
    }
  }

  async function ready(user: User): Promise<void> {
    await world.connect(user);
    await settle(user);
    readLog();
  }

  /** `start`: the length of the log when the call began. */
  function judge(user: User, resource: Resource, error: VaultError, start: number): void {
    const refused = {
      user: user.id,
      app: user.app,
      directory: user.directory,
      resource: RESOURCES[resource],
      reason: error.reason,
    };
    // Others may have asked at the same time, so each state of the log meanwhile counts.
    for (let end = start; end <= log.length; end++) {
      const sent = log.slice(0, end);
      const onTheirWay = sent.map((entry, at) => (at < start ? entry : { ...entry, answeredStep: undefined }));
      const why = justification(refused, known(user.app, sent)) ?? justification(refused, known(user.app, onTheirWay));
      if (why === undefined) continue;
      count(`a user without faults is refused, since ${why}`);
      return;
    }
    throw new Error(
      `${user.id} is refused with ${error.reason} (${error.message}) without a justification\n${describe(log)}`,
    );
  }

  function known(app: string, entries: readonly Entry[]): Known {
    return {
      log: entries,
      credentials: world.credentials.get(app) ?? [],
      forgottenStep: world.forgotten.get(app) ?? 0,
      step: world.step,
      now: world.clock.now(),
      forgetsTenants: maps.limit !== undefined,
    };
  }

  /** Of a user whose answer is held back. */
  async function settle(user: User): Promise<void> {
    late.get(user.id)?.release();
    late.delete(user.id);
    await pending.get(user.id);
    pending.delete(user.id);
  }

  async function settleAll(): Promise<void> {
    for (const user of USERS) await settle(user);
  }

  async function quietly(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!isVaultError(error)) throw error;
    }
  }

  async function redeemForNobody(app: string, kind: 'code' | 'import', directoryId: string | undefined, token: string) {
    const weight = kind === 'code' ? 'CREDENTIAL' : 'REQUEST';
    const [resource] = RESOURCES;
    const scopes = [`${resource}/Mail.Read`];
    const admission = await server.admit({
      app: await world.readApp(app),
      directoryId,
      priority: 'FOREGROUND',
      requester: { connectionUid: undefined, weight },
    });
    try {
      if (kind === 'import') {
        await admission.redeemRefreshToken({ refreshToken: new Secret(token), resource, scopes });
        return;
      }
      await admission.redeemCode({
        code: new Secret(token),
        codeVerifier: new Secret('v'.repeat(43)),
        nonce: new Secret('the-nonce'),
        redirectUri: 'http://127.0.0.1/callback',
        resource,
        scopes,
      });
    } finally {
      admission.release();
    }
  }

  async function run(step: Step): Promise<void> {
    count(step.do);
    switch (step.do) {
      case 'get':
        await get(userAt(step.user), step.resource);
        return;
      case 'get_with_claims': {
        const user = userAt(step.user);
        await ready(user);
        await ask(user, step.resource, `{"access_token":{"challenge":{"value":"${world.step}"}}}`);
        return;
      }
      case 'together':
        await getTogether(step.users.map(userAt), step.resource);
        return;
      case 'everybody':
        for (const user of USERS) await get(user, step.resource);
        return;
      case 'get_late': {
        const user = userAt(step.user);
        await ready(user);
        const { promise, resolve } = Promise.withResolvers<void>();
        late.set(user.id, { promise, release: resolve });
        const asked = ask(user, step.resource);
        pending.set(user.id, asked);
        await Promise.race([asked, world.arrivalOf(user.id)]);
        return;
      }
      case 'release':
        await settleAll();
        return;
      case 'verify': {
        const user = userAt(step.user);
        await ready(user);
        const request = {
          callerId: 'product',
          tenantId: user.tenant,
          connectionId: world.nameOf(user),
          signal: () => AbortSignal.any([]),
        };
        await quietly(tokens.verifyConnection(request));
        return;
      }
      case 'code': {
        const directory = step.app === 'single' ? DIRECTORIES[0] : undefined;
        const ownUsers = USERS.filter(({ app }) => app === step.app);
        const user = ownUsers[step.user % ownUsers.length] ?? userAt(step.user);
        await quietly(redeemForNobody(step.app, 'code', directory, `code ${user.id}`));
        return;
      }
      case 'import':
        await quietly(redeemForNobody(step.app, 'import', DIRECTORIES[step.directory], 'import x'));
        return;
      case 'app_token': {
        const app = world.apps.get(step.app);
        const request = {
          tenantId: 'acme',
          appId: app?.appId ?? '',
          resource: APP_RESOURCE,
          directoryId: DIRECTORIES[step.directory],
          minTtl: 5 * SECOND,
          signal: () => new AbortController().signal,
        };
        await quietly(Promise.resolve(tokens.getForApp(request)));
        return;
      }
      case 'add_credential':
        if ((world.credentials.get(step.app) ?? []).length >= 3) return;
        await world.addCredential(step.app);
        addTime = world.elapsed;
        return;
      case 'fault':
        faults.unshift(step.fault);
        return;
      case 'repair':
        faults.splice(step.which, 1);
        return;
      case 'repair_all':
        faults.length = 0;
        return;
      case 'advance':
        // No exchange takes longer than 8 s.
        if (step.duration > 5 * SECOND) await settleAll();
        world.advance(step.duration);
        return;
      case 'set_back':
        await settleAll();
        world.setBack(step.duration);
        setBackStep = world.step;
        setBacks.push({ at: world.elapsed, by: step.duration });
        return;
    }
  }

  return {
    run,
    check() {
      readLog();
      maps.check();
      // With memory this short, the vault may ask again what it has forgotten.
      if (maps.limit === undefined) checkPacing(log, world.step, setBackStep, world.elapsed - addTime < PROPAGATION);
    },
    /** Entra is repaired, and nobody calls anything but GetAccessToken. */
    async recover(users: readonly User[]): Promise<void> {
      world.nextStep();
      faults.length = 0;
      await settleAll();
      const start = world.elapsed;
      // What was held when the clock was set back may stay held for longer by as much, but never for longer than a whole hold.
      const lately = setBacks.filter(({ at, by }) => start - at < RECOVERY + by).reduce((sum, { by }) => sum + by, 0);
      const allowed = RECOVERY + Math.min(lately, RECOVERY);
      let waiting: string[] = [];
      while (world.elapsed - start <= allowed) {
        waiting = [];
        world.nextStep();
        readLog();
        for (const user of users) {
          for (const resource of [0, 1] as const) {
            const key = `${user.id} ${RESOURCES[resource]}`;
            if (lost.has(user.id) || lost.has(key)) continue;
            if (!(await get(user, resource))) waiting.push(key);
          }
        }
        await server.settled();
        maps.check();
        if (waiting.length === 0) break;
        world.advance(30 * SECOND);
      }
      if (waiting.length > 0 && !isThrottled(log)) {
        throw new Error(`not served 5 min 30 s after the repair: ${waiting.join(', ')}\n${describe(log)}`);
      }
      count('recovered');
    },
  };
}
