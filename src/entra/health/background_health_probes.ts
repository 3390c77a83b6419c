import type { UsableCredential } from '../../model/app_credential.ts';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import type { Meaning } from '../errors/classify_entra_response.ts';
import type { Unusable } from '../exchange/create_client_authentication.ts';
import type { CredentialChoice } from './credential_choice.ts';

/** A request for a token of the app itself (client credentials), without a user: it shows whose fault a refusal is. */
export interface HealthProbe {
  /** Its subject: at most one probe a minute for each. */
  readonly key: string;
  readonly app: App;
  readonly credentials: Pick<CredentialChoice, 'candidates'>;
  readonly directoryId: string;
  /** Undefined: Microsoft Graph. */
  readonly resource: string | undefined;
  /** Undefined: the first of `credentials`. */
  readonly usable?: UsableCredential | undefined;
}

export interface ProbeResult {
  /** Undefined: granted. */
  readonly meaning: Meaning | undefined;
  /** Position of the probe's request among all requests. */
  readonly order: number;
  readonly newSince: Timestamp;
}

export type HealthProbes = ReturnType<typeof createHealthProbes>;

const INTERVAL: Duration = MINUTE;

export function createHealthProbes(
  clock: Clock,
  /** Undefined: no request could be sent. */
  request: (probe: HealthProbe, usable: UsableCredential) => Promise<ProbeResult | Unusable | undefined>,
) {
  const sendTimes = createBoundedCache<string, Timestamp>(10_000);
  const running = new Set<Promise<void>>();

  async function run(probe: HealthProbe, settle: (result: ProbeResult) => Promise<void>): Promise<void> {
    const usable = probe.usable ?? (await probe.credentials.candidates(false)).inOrder[0];
    const result = usable && (await request(probe, usable));
    if (result !== undefined && !('unusable' in result)) await settle(result);
    // Nothing was learned, so the next failure may start a probe at once.
    else sendTimes.delete(probe.key);
  }

  return {
    /** In the background. `settle` is not called after a probe of the key within a minute, or without a request. */
    send(probe: HealthProbe, settle: (result: ProbeResult) => Promise<void>): void {
      const last = sendTimes.get(probe.key);
      const now = clock.now();
      if (last !== undefined && elapsedSince(last, now) < INTERVAL) return;
      sendTimes.set(probe.key, now);
      const task: Promise<void> = run(probe, settle)
        .catch(() => {})
        .finally(() => running.delete(task));
      running.add(task);
    },
    /** Waits for the running probes. */
    async settled(): Promise<void> {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
