import { afterAll, beforeAll, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../../src/model/clock.ts';
import { isVaultError } from '../../../src/model/errors.ts';
import { type Ground, openCloud, prepareGround, SCOPES, USERS, type World } from './world.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => ground.close());

const ada = USERS.find(({ id }) => id === 'p1');
const grace = USERS.find(({ id }) => id === 'p2');

async function reasonOf(world: World, user: (typeof USERS)[number] | undefined): Promise<string> {
  if (user === undefined) throw new Error('no such user');
  await world.connect(user);
  try {
    await world.tokens.get({
      callerId: 'product',
      tenantId: user.tenant,
      connectionId: world.nameOf(user),
      scopes: [SCOPES[0]],
      minTtl: SECOND,
      claims: undefined,
      rejectedTokenSha256: undefined,
      signal: () => new AbortController().signal,
    });
    return 'OK';
  } catch (error) {
    if (isVaultError(error)) return error.reason;
    throw error;
  } finally {
    await world.server.settled();
  }
}

/** Nothing can be asked of Entra for the app itself: applications get no tokens in the directory of personal accounts. */
test.each([
  [7000215, 'invalid_client', 'APP_CREDENTIAL_REJECTED'],
  [7000222, 'invalid_client', 'APP_CREDENTIAL_EXPIRED'],
  [700016, 'unauthorized_client', 'ADMIN_CONSENT_REQUIRED'],
  [7000218, 'invalid_client', 'APP_MISCONFIGURED'],
  [7999999, 'invalid_client', 'APP_MISCONFIGURED'],
] as const)(
  'one connection of a personal account, one credential: AADSTS%i, repaired at Entra alone, is over within 5 min 30 s',
  async (code, error, reason) => {
    const world = await openCloud(ground, { homeIsKnown: false, credentials: 1 });
    try {
      expect(await reasonOf(world, ada)).toBe('OK');
      world.advance(3 * 60 * MINUTE);
      world.faults.push({ refusal: { error, code, suberror: undefined } });
      expect(await reasonOf(world, ada)).toBe(reason);
      // Asked again and again while the fault lasts, so that the repair comes at the worst time: right after a trial.
      for (let minute = 1; minute <= 6; minute++) {
        world.advance(MINUTE);
        expect(await reasonOf(world, ada)).toBe(reason);
      }

      world.faults.length = 0;
      let waited = 0;
      while ((await reasonOf(world, ada)) !== 'OK' && waited < 10 * MINUTE) {
        world.advance(10 * SECOND);
        waited += 10 * SECOND;
      }

      expect(waited).toBeLessThanOrEqual(5 * MINUTE + 30 * SECOND);
      expect(await reasonOf(world, grace)).toBe('OK');
      expect((await world.readApp('many')).state).toBe('OK');
    } finally {
      await world.close();
    }
  },
);
