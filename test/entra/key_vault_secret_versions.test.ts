import { beforeEach, expect, test } from 'vitest';
import { createVersionedSecrets, noSecretSource } from '../../src/entra/exchange/key_vault_secret_versions.ts';
import { REPLICATION } from '../../src/entra/health/credential_choice.ts';
import { DAY, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { RemoteSecret } from '../../src/model/key_vault_secret_reader_interface.ts';
import { Secret } from '../../src/model/secret.ts';

const REFERENCE = { credentialUid: 'one', secretUri: 'https://v.example/secrets/one' };
const WAIT = MINUTE;
const [A, B, C] = ['a', 'b', 'c'].map((text) => new Secret(text)) as [Secret, Secret, Secret];

let now: number;
/** What the key vault has; reads wait for `gate`. */
let stored: Secret;
let setTime: number | undefined;
let gate: Promise<unknown>;
let reads: string[];
let forgotten: string[];
let secrets: ReturnType<typeof createVersionedSecrets>;
beforeEach(() => {
  [now, stored, setTime, gate, reads, forgotten] = [400 * DAY, A, DAY, Promise.resolve(), [], []];
  secrets = createVersionedSecrets({
    clock: { now: () => now },
    secretSource: {
      ...noSecretSource,
      async read(uri): Promise<RemoteSecret> {
        reads.push(uri);
        const value = new Secret(stored.reveal());
        await gate;
        return { value, version: 'v', notBefore: undefined, expireTime: undefined, setTime };
      },
      forget(uri) {
        forgotten.push(uri);
        return true;
      },
    },
  });
});

const read = async (reference = REFERENCE) => (await secrets.read(reference, WAIT)).reveal();
async function alternativeTo(refused: Secret, timeout = WAIT) {
  const found = await secrets.alternative(REFERENCE, refused, timeout);
  return found && [found.secret.reveal(), found.isNewest ? 'newest' : 'previous'];
}

/** A was accepted, and B replaced it. */
async function renew(): Promise<void> {
  await read();
  secrets.accepted(REFERENCE, A);
  stored = B;
  await read();
}

test('the newest version is used, and its time is that of the key vault', async () => {
  expect(await read()).toBe('a');
  expect([reads, secrets.renewTime('one'), secrets.renewTime('two')]).toEqual([[REFERENCE.secretUri], DAY, undefined]);
});

test('a renewed secret is new from when it is seen', async () => {
  await read();
  now += MINUTE;
  expect(await read()).toBe('a');
  expect(secrets.renewTime('one')).toBe(DAY);

  stored = B;
  expect(await read()).toBe('b');
  expect(secrets.renewTime('one')).toBe(now);
});

test('while Entra does not know the renewed secret, the one before it is the alternative', async () => {
  await renew();

  expect(await alternativeTo(A)).toEqual(['b', 'newest']);
  expect(reads).toHaveLength(2);
  expect(await alternativeTo(B)).toEqual(['a', 'previous']);
  expect(reads).toHaveLength(3);
});

test('a secret that Entra never accepted is no alternative', async () => {
  await read();
  stored = B;
  await read();
  expect(await alternativeTo(B)).toBeUndefined();

  secrets.accepted(REFERENCE, A);
  stored = C;
  await read();
  expect(await alternativeTo(C)).toBeUndefined();
});

test('a second renewal that Entra does not accept keeps the accepted secret', async () => {
  await renew();
  stored = C;
  await read();

  expect(await alternativeTo(C)).toEqual(['a', 'previous']);
});

test('the secret before is forgotten once Entra accepted the renewed one after its replication', async () => {
  await renew();
  now += REPLICATION - 1;
  secrets.accepted(REFERENCE, B);
  expect(await alternativeTo(B)).toEqual(['a', 'previous']);

  now += 1;
  secrets.accepted(REFERENCE, A);
  expect(await alternativeTo(B)).toEqual(['a', 'previous']);
  secrets.accepted(REFERENCE, B);
  expect(await alternativeTo(B)).toBeUndefined();
});

test('without a known time, the secret before stays', async () => {
  setTime = undefined;
  await read();
  secrets.accepted(REFERENCE, A);
  secrets.accepted({ ...REFERENCE, credentialUid: 'unknown' }, A);

  expect(secrets.renewTime('one')).toBeUndefined();
  stored = B;
  expect(await alternativeTo(A)).toEqual(['b', 'newest']);
});

test('a refused secret is read again, at most every ten seconds, also if the clock was set back', async () => {
  await read();
  stored = B;
  expect(await alternativeTo(A)).toEqual(['b', 'newest']);
  expect([reads.length, forgotten]).toEqual([2, [REFERENCE.secretUri]]);

  stored = C;
  now += 10 * SECOND - 1;
  expect(await alternativeTo(B)).toBeUndefined();
  expect(reads).toHaveLength(2);
  now += 1;
  expect(await alternativeTo(B)).toEqual(['c', 'newest']);

  now -= DAY;
  stored = A;
  expect(await alternativeTo(C)).toEqual(['a', 'newest']);
});

test('what was never read has no alternative', async () => {
  expect(await alternativeTo(A)).toBeUndefined();
  expect(reads).toEqual([]);
});

test('credentials with the same secret have versions of their own', async () => {
  await renew();
  expect(await read({ ...REFERENCE, credentialUid: 'two' })).toBe('b');
  expect(secrets.renewTime('two')).toBe(DAY);
});

test('a key vault that does not answer delays a caller until its timeout, and the others share the read', async () => {
  await renew();
  const opening = Promise.withResolvers<void>();
  gate = opening.promise;
  stored = C;

  expect(await alternativeTo(B, 1)).toEqual(['a', 'previous']);
  await expect(secrets.read(REFERENCE, 1)).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  const patient = alternativeTo(B);
  expect(reads).toHaveLength(4);
  opening.resolve();

  expect(await patient).toEqual(['a', 'previous']);
});

test('a key vault that fails leaves what is known', async () => {
  await renew();
  gate = Promise.reject(new Error('queued by the test'));

  expect(await alternativeTo(B)).toEqual(['a', 'previous']);
  await expect(secrets.read(REFERENCE, WAIT)).rejects.toThrow('queued by the test');
});

test('a vault without a key vault reads no secret', async () => {
  await expect(noSecretSource.read('x')).rejects.toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  expect([noSecretSource.forget('x'), noSecretSource.checkUri('field', 'x')]).toEqual([false, 'x']);
});
