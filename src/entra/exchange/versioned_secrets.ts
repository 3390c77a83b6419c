import { type Clock, type Duration, elapsedSince, SECOND, type Timestamp } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Secret } from '../../model/secret.ts';
import type { SecretSource } from '../../model/secret_source.ts';
import { REPLICATION } from '../health/credential_choice.ts';

/** Client secrets that lie in a key vault, and are renewed there while they are in use. */
export interface VersionedSecrets {
  /** As `SecretSource.read`; KEY_SOURCE_UNAVAILABLE also when it takes longer than `timeout`. */
  read(reference: SecretReference, timeout: Duration): Promise<Secret>;
  /** Entra refused `refused`, so another may do. Undefined: there is none. */
  alternative(reference: SecretReference, refused: Secret, timeout: Duration): Promise<OtherSecret | undefined>;
  accepted(reference: SecretReference, secret: Secret): void;
  /** When the newest one was first seen in place of another; of the first that is read, when it was put there. */
  renewTime(credentialUid: string): Timestamp | undefined;
}

export interface SecretReference {
  readonly credentialUid: string;
  readonly secretUri: string;
}

export interface OtherSecret {
  readonly secret: Secret;
  /** False: the one before, which Entra took. */
  readonly isNewest: boolean;
}

/** While Entra refuses what the key vault has, the key vault is asked no more often. */
const LOOK_EVERY: Duration = 10 * SECOND;
const MOST_KEPT = 10_000;

/** What was read for a credential; kept while its app is forgotten and loaded again, as happens when a secret is renewed. */
interface Kept {
  newest: Secret;
  /** Entra took the newest. */
  isProven: boolean;
  previous: Secret | undefined;
  renewTime: Timestamp | undefined;
  look: { readonly time: Timestamp; readonly done: Promise<void> } | undefined;
}

/** For a vault that is given no key vault. */
export const noSecretSource: SecretSource = {
  read: async () => {
    throw unavailable();
  },
  forget: () => false,
  checkUri: (_field, secretUri) => secretUri,
};

export function createVersionedSecrets({
  secretSource,
  clock,
}: {
  secretSource: SecretSource;
  clock: Clock;
}): VersionedSecrets {
  const kept = new Map<string, Kept>();

  async function read({ credentialUid, secretUri }: SecretReference, timeout: Duration): Promise<Kept> {
    const { value, setTime } = await within(timeout, secretSource.read(secretUri));
    const known = kept.get(credentialUid);
    if (known === undefined) {
      if (kept.size >= MOST_KEPT) kept.clear();
      const made: Kept = { newest: value, isProven: false, previous: undefined, renewTime: setTime, look: undefined };
      kept.set(credentialUid, made);
      return made;
    }
    if (!areSame(known.newest, value)) {
      if (known.isProven) known.previous = known.newest;
      known.newest = value;
      known.isProven = false;
      known.renewTime = clock.now();
    }
    return known;
  }

  async function readAgain(reference: SecretReference, timeout: Duration): Promise<void> {
    secretSource.forget(reference.secretUri);
    await read(reference, timeout);
  }

  async function lookAgain(known: Kept, reference: SecretReference, timeout: Duration): Promise<void> {
    const now = clock.now();
    if (known.look === undefined || elapsedSince(known.look.time, now) >= LOOK_EVERY) {
      known.look = { time: now, done: readAgain(reference, timeout).catch(() => {}) };
    }
    // Who began to look may have had more time than this one.
    await within(timeout, known.look.done).catch(() => {});
  }

  return {
    read: async (reference, timeout) => (await read(reference, timeout)).newest,
    async alternative(reference, refused, timeout) {
      const known = kept.get(reference.credentialUid);
      if (known === undefined) return undefined;
      if (areSame(known.newest, refused)) await lookAgain(known, reference, timeout);
      if (!areSame(known.newest, refused)) return { secret: known.newest, isNewest: true };
      return known.previous && { secret: known.previous, isNewest: false };
    },
    accepted({ credentialUid }, secret) {
      const known = kept.get(credentialUid);
      if (known === undefined || !areSame(known.newest, secret)) return;
      known.isProven = true;
      // Until then the newest works here and not yet there.
      if (known.renewTime !== undefined && clock.now() - known.renewTime >= REPLICATION) known.previous = undefined;
    },
    renewTime: (credentialUid) => kept.get(credentialUid)?.renewTime,
  };
}

function areSame(one: Secret, other: Secret): boolean {
  return one === other || one.sha256() === other.sha256();
}

async function within<T>(timeout: Duration, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable()), timeout);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(): VaultError {
  return new VaultError(
    'KEY_SOURCE_UNAVAILABLE',
    'The key vault with the client secret does not answer; try again soon.',
  );
}
