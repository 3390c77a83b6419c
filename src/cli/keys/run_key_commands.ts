import { setTimeout as pause } from 'node:timers/promises';
import type { Keyring } from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { Duration } from '../../model/clock.ts';
import { type AdminClients, openAdminClients, type VaultAccess } from '../admin_grpc_clients.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { failedCall } from '../failed_call.ts';
import { createRetry, Interrupted, RetriesExhausted } from '../import/retry_vault_calls.ts';
import { type Interruption, listenForInterruption } from '../listen_for_interruption.ts';
import { showProgress } from '../show_progress.ts';
import { keyringJson, keyringText, progressText } from './format_keyring.ts';

/** The parsed options. */
export interface KeyFlags extends VaultAccess {
  readonly json?: true;
}

export interface RotateRootFlags extends KeyFlags {
  readonly to: string;
}

const INTERVAL: Duration = 500;
/** A replica that is restarted, or a database that fails over. */
const PATIENCE: Duration = 60_000;
/** The vault tries data keys that do not open again after a minute. */
const STUCK_AFTER: Duration = 90_000;

/** Prints the keys of a vault, and returns the exit code. */
export async function showKeys(flags: KeyFlags): Promise<number> {
  const clients = await openAdminClients(flags);
  try {
    const { keyring } = await clients.keys.getKeyring({});
    print(keyring, flags);
    return EXIT.OK;
  } catch (error) {
    throw failedCall(error, 'GetKeyring');
  } finally {
    clients.close();
  }
}

/** Starts the rotation to a root key, shows its progress, and returns the exit code. */
export async function rotateRootKey(flags: RotateRootFlags): Promise<number> {
  const clients = await openAdminClients(flags);
  const interruption = listenForInterruption();
  try {
    const { keyring } = await clients.keys.rotateRootKey({ rootKeyId: flags.to });
    const last = await waitForCompletion(clients, keyring, interruption);
    print(last, flags);
    return last?.rotation === undefined ? EXIT.OK : EXIT.TEMPORARY_FAILURE;
  } catch (error) {
    if (error instanceof Interrupted)
      throw new CommandError(interruption.exitCode, 'Interrupted. The vault completes the rotation by itself.');
    throw failedCall(error instanceof RetriesExhausted ? error.last : error, 'RotateRootKey');
  } finally {
    interruption.stopListening();
    clients.close();
  }
}

/** Returns the keyring without a rotation, or with one that no longer proceeds. */
async function waitForCompletion(
  { keys }: Pick<AdminClients, 'keys'>,
  first: Keyring | undefined,
  { signal }: Pick<Interruption, 'signal'>,
): Promise<Keyring | undefined> {
  const now = () => performance.now();
  const sleep = async (duration: Duration) => void (await pause(duration, undefined, { signal }));
  const retry = createRetry({ patience: PATIENCE, signal, now, sleep, random: Math.random });
  let keyring = first;
  const stopProgress = showProgress({
    stream: process.stderr,
    progress: () => ({
      done: Number(keyring?.rotation?.rewrapped ?? 1),
      total: Number(keyring?.rotation?.dataKeys ?? 1),
    }),
    describe: () => progressText(keyring),
  });
  try {
    for (let changed = now(); keyring?.rotation !== undefined && now() - changed < STUCK_AFTER; ) {
      const { rewrapped } = keyring.rotation;
      await sleep(INTERVAL).catch(() => {
        throw new Interrupted();
      });
      ({ keyring } = await retry(() => keys.getKeyring({})));
      if (keyring?.rotation?.rewrapped !== rewrapped) changed = now();
    }
    return keyring;
  } finally {
    stopProgress();
  }
}

function print(keyring: Keyring | undefined, { json }: Pick<KeyFlags, 'json'>): void {
  if (keyring !== undefined) console.log(json ? keyringJson(keyring) : keyringText(keyring));
}
