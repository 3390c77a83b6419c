import {
  type Keyring,
  KeyringSchema,
  type TenantKey,
  TenantKeySchema,
} from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { Duration } from '../../model/clock.ts';
import type { AdminClients, VaultAccess } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { Interrupted } from '../import/retry_vault_calls.ts';
import { type Interruption, listenForInterruption } from '../listen_for_interruption.ts';
import { messageJson } from '../message_json.ts';
import { createPatience } from '../patient_calls.ts';
import { showProgress } from '../show_progress.ts';
import { keyringText, progressText, tenantKeyText } from './format_keyring.ts';

/** The parsed options. */
export interface KeyFlags extends VaultAccess {
  readonly json?: true;
}

export interface RotateRootFlags extends KeyFlags {
  readonly to: string;
}

const INTERVAL: Duration = 500;
/** The vault tries data keys that do not open again after a minute. */
const STUCK_AFTER: Duration = 90_000;
/** For the values of a tenant. A large one takes minutes. */
const LONGEST_WAIT: Duration = 600_000;

/** Prints the keys of a vault, and returns the exit code. */
export function showKeys(flags: KeyFlags): Promise<number> {
  return callVault(flags, async ({ keys }) => {
    const { keyring } = await keys.getKeyring({});
    print(keyring, flags);
    return EXIT.OK;
  });
}

/** Starts the rotation to a root key, shows its progress, and returns the exit code. */
export function rotateRootKey(flags: RotateRootFlags): Promise<number> {
  return untilInterrupted(flags, async (clients, interruption) => {
    const { keyring } = await clients.keys.rotateRootKey({ rootKeyId: flags.to });
    const last = await waitForCompletion(clients, keyring, interruption);
    print(last, flags);
    return last?.rotation === undefined ? EXIT.OK : EXIT.TEMPORARY_FAILURE;
  });
}

/** Starts the rotation of a tenant's data key, waits for its end, and returns the exit code. */
export function rotateTenantKey(tenant: string, flags: KeyFlags): Promise<number> {
  return untilInterrupted(flags, async (clients, interruption) => {
    const { sleep, retry } = createPatience(interruption);
    let { tenantKey } = await retry(() => clients.keys.rotateTenantKey({ tenant }));
    const end = performance.now() + LONGEST_WAIT;
    if (isRotating(tenantKey) && process.stderr.isTTY) console.error(WAITING);
    while (isRotating(tenantKey) && performance.now() < end) {
      await sleep(INTERVAL);
      ({ tenantKey } = await retry(() => clients.keys.getTenantKey({ tenant })));
    }
    if (tenantKey !== undefined)
      console.log(flags.json ? messageJson(TenantKeySchema, tenantKey) : tenantKeyText(tenantKey));
    return isRotating(tenantKey) ? EXIT.TEMPORARY_FAILURE : EXIT.OK;
  });
}

const WAITING = 'The vault seals the values again. Waiting for at most 10 minutes; it continues without this command.';

const isRotating = (tenantKey: TenantKey | undefined) => (tenantKey?.olderVersions.length ?? 0) > 0;

function untilInterrupted(
  flags: VaultAccess,
  rotate: (clients: AdminClients, interruption: Interruption) => Promise<number>,
): Promise<number> {
  return callVault(flags, async (clients) => {
    const interruption = listenForInterruption();
    try {
      return await rotate(clients, interruption);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      throw new CommandError(interruption.exitCode, 'Interrupted. The vault completes the rotation by itself.');
    } finally {
      interruption.stopListening();
    }
  });
}

/** Returns the keyring without a rotation, or with one that no longer proceeds. */
async function waitForCompletion(
  { keys }: Pick<AdminClients, 'keys'>,
  first: Keyring | undefined,
  interruption: Pick<Interruption, 'signal'>,
): Promise<Keyring | undefined> {
  const { now, sleep, retry } = createPatience(interruption);
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
  if (keyring !== undefined) console.log(json ? messageJson(KeyringSchema, keyring) : keyringText(keyring));
}
