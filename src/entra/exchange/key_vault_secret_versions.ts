import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, SECOND, type Timestamp } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { SecretSource } from '../../model/key_vault_secret_reader_interface.ts';
import type { Secret } from '../../model/secret.ts';
import { within } from '../../model/within_timeout.ts';
import { REPLICATION } from '../health/credential_choice.ts';

export interface SecretReference {
  readonly credentialUid: string;
  readonly secretUri: string;
}

export interface AlternativeSecret {
  readonly secret: Secret;
  /** False: the secret before it, which Entra accepted. */
  readonly isNewest: boolean;
}

/** Shortest time between two reads of the key vault while Entra rejects its secret. */
const REREAD_INTERVAL: Duration = 10 * SECOND;

/** The versions read for a credential. They outlive the app's health, which is cleared when a secret is renewed. */
interface Versions {
  newest: Secret;
  /** Entra accepted the newest. */
  isProven: boolean;
  previous: Secret | undefined;
  /** When the newest replaced another; for the first version, its time in the key vault. */
  renewTime: Timestamp | undefined;
  reread: { readonly time: Timestamp; readonly completed: Promise<void> } | undefined;
}

/** For a vault without a key vault. */
export const noSecretSource: SecretSource = {
  read: async () => {
    throw unavailable();
  },
  forget: () => false,
  checkUri: (_field, secretUri) => secretUri,
};

/** Client secrets in a key vault that are renewed there while they are in use. */
export function createVersionedSecrets({ secretSource, clock }: { secretSource: SecretSource; clock: Clock }) {
  const versions = createBoundedCache<string, Versions>(10_000);

  async function read({ credentialUid, secretUri }: SecretReference, timeout: Duration): Promise<Secret> {
    const { value, setTime } = await within(timeout, secretSource.read(secretUri), unavailable);
    const known = versions.get(credentialUid);
    if (known === undefined) {
      const first = { newest: value, isProven: false, previous: undefined, renewTime: setTime, reread: undefined };
      versions.set(credentialUid, first);
      return value;
    }
    if (!areEqual(known.newest, value)) {
      if (known.isProven) known.previous = known.newest;
      Object.assign(known, { newest: value, isProven: false, renewTime: clock.now() });
    }
    return known.newest;
  }

  async function reread(known: Versions, reference: SecretReference, timeout: Duration): Promise<void> {
    const now = clock.now();
    if (known.reread === undefined || elapsedSince(known.reread.time, now) >= REREAD_INTERVAL) {
      secretSource.forget(reference.secretUri);
      const completed = read(reference, timeout).then(
        () => {},
        () => {},
      );
      known.reread = { time: now, completed };
    }
    // A shared read may have a later deadline than this caller.
    await within(timeout, known.reread.completed, unavailable).catch(() => {});
  }

  return {
    /** As `SecretSource.read`. KEY_SOURCE_UNAVAILABLE also if it takes longer than `timeout`. */
    read,
    /** After Entra refused a secret: another version, if there is one. */
    async alternative(
      reference: SecretReference,
      refused: Secret,
      timeout: Duration,
    ): Promise<AlternativeSecret | undefined> {
      const known = versions.get(reference.credentialUid);
      if (known === undefined) return undefined;
      if (areEqual(known.newest, refused)) await reread(known, reference, timeout);
      if (!areEqual(known.newest, refused)) return { secret: known.newest, isNewest: true };
      return known.previous && { secret: known.previous, isNewest: false };
    },
    accepted({ credentialUid }: SecretReference, secret: Secret) {
      const known = versions.get(credentialUid);
      if (known === undefined || !areEqual(known.newest, secret)) return;
      known.isProven = true;
      // Before that, the newest works at some of Entra's servers only.
      if (known.renewTime !== undefined && clock.now() - known.renewTime >= REPLICATION) known.previous = undefined;
    },
    renewTime: (credentialUid: string) => versions.get(credentialUid)?.renewTime,
  };
}

function areEqual(one: Secret, other: Secret): boolean {
  return one === other || one.sha256() === other.sha256();
}

function unavailable(): VaultError {
  const message = 'The key vault with the client secret does not answer. Retry later.';
  return new VaultError('KEY_SOURCE_UNAVAILABLE', message);
}
