import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pick, type Replica, type Replicas, startReplicas } from './replicas.ts';

const ROUNDS = process.env['REPLICAS'] === 'long' ? 200 : 5;
const CONNECTIONS = 6;
const CALLERS = 36;
/** Of each caller, one after the other. */
const CALLS = 5;
/** Of a call with its retry. */
const DEADLINE = 15_000;

let replicas: Replicas;
let names: string[];
/** Connection of each refresh token, by the token's id. */
const owners = new Map<string, string>();
/** Id of the newest refresh token of each connection. */
const newest = new Map<string, string>();
beforeAll(async () => {
  replicas = await startReplicas({ count: 3 });
  await replicas.register();
  names = [];
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const name = await replicas.connect(`mailbox-${index}`);
    names.push(name);
    await replicas.all[0]?.clients.tokens.getAccessToken({ connection: name, scopes: ['Mail.ReadOnly'] });
    newest.set(name, replicas.exchanges().at(-1)?.issuedRefreshTokenId ?? '');
  }
  for (const [name, id] of newest) owners.set(id, name);
});
afterAll(() => replicas.close());

const get = (replica: Replica<unknown>, connection: string, timeout = DEADLINE) =>
  replica.clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }, { timeout });

/** One retry at another replica. */
async function getWithRetry(running: readonly Replica<unknown>[], connection: string): Promise<void> {
  const first = pick(running);
  const start = performance.now();
  await get(first, connection).catch(() =>
    get(pick(running.filter((other) => other !== first)), connection, DEADLINE - (performance.now() - start)),
  );
}

/** Calls of all callers; `onServed` runs after each. */
async function load(running: readonly Replica<unknown>[], onServed: (count: number) => void): Promise<void> {
  let served = 0;
  const caller = async () => {
    for (let call = 0; call < CALLS; call += 1) {
      await getWithRetry(running, pick(names));
      onServed(++served);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

/** Two exchanges of the victim are open at Entra: one has not begun, and one has replaced the refresh token. */
async function killWithOpenExchanges(victim: Replicas['all'][number], running: Replicas['all']): Promise<void> {
  const [one = '', other = ''] = names;
  const begun = replicas.sandbox.holdNextToken({ stage: 'request' });
  const calls = [
    get(victim, one).catch(() =>
      getWithRetry(
        running.filter((next) => next !== victim),
        one,
      ),
    ),
  ];
  await begun.arrived;
  const rotated = replicas.sandbox.holdNextToken({ stage: 'answer' });
  calls.push(
    get(victim, other).catch(() =>
      getWithRetry(
        running.filter((next) => next !== victim),
        other,
      ),
    ),
  );
  await rotated.arrived;
  const loading = load(running, () => {});
  await victim.program.stop('SIGKILL');
  begun.release();
  rotated.release();
  await Promise.all([...calls, loading]);
}

async function killUnderLoad(victim: Replicas['all'][number], running: Replicas['all']): Promise<void> {
  const moment = randomInt(CALLERS * CALLS);
  if (moment === 0) victim.program.child.kill('SIGKILL');
  await load(running, (count) => count === moment && victim.program.child.kill('SIGKILL'));
}

async function replace(victim: Replicas['all'][number]): Promise<void> {
  await once(victim.program.child, 'close');
  replicas.all.splice(replicas.all.indexOf(victim), 1);
  await replicas.start();
}

/** Each exchange presents the newest refresh token that is stored, and the last one of the round stores the next. */
function checkRotations(): void {
  const redeemed = new Map<string, string[]>();
  const issued = new Map<string, string>();
  for (const { presentedRefreshTokenId = '', issuedRefreshTokenId = '' } of replicas.exchanges()) {
    const name = owners.get(presentedRefreshTokenId) ?? 'unknown';
    redeemed.set(name, [...(redeemed.get(name) ?? []), presentedRefreshTokenId]);
    issued.set(name, issuedRefreshTokenId);
    owners.set(issuedRefreshTokenId, name);
  }
  for (const name of names) {
    const presented = redeemed.get(name) ?? [];
    expect(new Set(presented)).toEqual(new Set([newest.get(name)]));
    expect(presented.length).toBeLessThanOrEqual(2);
    newest.set(name, issued.get(name) ?? '');
  }
}

test(`kill -9 of one of three replicas under load, ${ROUNDS} times: no failed call, no lost rotation`, {
  timeout: 90 * 60_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    await replicas.expire();
    replicas.sandbox.clearRequests();
    const running = [...replicas.all];
    const victim = pick(running);
    const kill = round % 5 === 0 ? killWithOpenExchanges : killUnderLoad;
    await Promise.all([kill(victim, running), replace(victim)]);
    // Connections that nobody requested in this round.
    await Promise.all(names.map((name) => getWithRetry(replicas.all, name)));
    checkRotations();
    victim.clients.close();
  }
});
