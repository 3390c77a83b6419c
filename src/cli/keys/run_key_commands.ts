import { setTimeout as pause } from 'node:timers/promises';
import type { Keyring, TenantKey } from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { Duration } from '../../model/clock.ts';
import { type AdminClients, openAdminClients, type VaultAccess } from '../admin_grpc_clients.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { failedCall } from '../failed_call.ts';
import { createRetry, Interrupted, RetriesExhausted } from '../import/retry_vault_calls.ts';
import { type Interruption, listenForInterruption } from '../listen_for_interruption.ts';
import { showProgress } from '../show_progress.ts';
import { keyringJson, keyringText, progressText, tenantKeyJson, tenantKeyText } from './format_keyring.ts';

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
/** For the values of a tenant. A large one takes minutes. */
const LONGEST_WAIT: Duration = 600_000;

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
    throw endedBy(error, interruption, 'RotateRootKey');
  } finally {
    interruption.stopListening();
    clients.close();
  }
}

/** Starts the rotation of a tenant's data key, waits for its end, and returns the exit code. */
export async function rotateTenantKey(tenant: string, flags: KeyFlags): Promise<number> {
  const clients = await openAdminClients(flags);
  const interruption = listenForInterruption();
  const { sleep, retry } = createWait(interruption);
  try {
    let { tenantKey } = await retry(() => clients.keys.rotateTenantKey({ tenant }));
    const end = performance.now() + LONGEST_WAIT;
    while (isRotating(tenantKey) && performance.now() < end) {
      await sleep(INTERVAL);
      ({ tenantKey } = await retry(() => clients.keys.getTenantKey({ tenant })));
    }
    if (tenantKey !== undefined) console.log(flags.json ? tenantKeyJson(tenantKey) : tenantKeyText(tenantKey));
    return isRotating(tenantKey) ? EXIT.TEMPORARY_FAILURE : EXIT.OK;
  } catch (error) {
    throw endedBy(error, interruption, 'RotateTenantKey');
  } finally {
    interruption.stopListening();
    clients.close();
  }
}

const isRotating = (tenantKey: TenantKey | undefined) => (tenantKey?.olderVersions.length ?? 0) > 0;

function endedBy(error: unknown, { exitCode }: Pick<Interruption, 'exitCode'>, method: string): unknown {
  if (error instanceof Interrupted)
    return new CommandError(exitCode, 'Interrupted. The vault completes the rotation by itself.');
  return failedCall(error instanceof RetriesExhausted ? error.last : error, method);
}

/** Pauses and repetitions that end with the interruption. */
function createWait({ signal }: Pick<Interruption, 'signal'>) {
  const now = () => performance.now();
  const sleep = async (duration: Duration) => {
    await pause(duration, undefined, { signal }).catch(() => {
      throw new Interrupted();
    });
  };
  const retry = createRetry({ patience: PATIENCE, signal, now, sleep, random: Math.random });
  return { now, sleep, retry };
}

/** Returns the keyring without a rotation, or with one that no longer proceeds. */
async function waitForCompletion(
  { keys }: Pick<AdminClients, 'keys'>,
  first: Keyring | undefined,
  interruption: Pick<Interruption, 'signal'>,
): Promise<Keyring | undefined> {
  const { now, sleep, retry } = createWait(interruption);
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
      await sleep(INTERVAL);
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
