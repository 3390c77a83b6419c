import type { App } from '../../model/app.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../../model/clock.ts';
import type { UsableCredential } from '../../model/credential.ts';
import { createBoundedMap } from '../bounded_map.ts';
import type { Meaning } from '../errors/classify_error.ts';
import type { CredentialChoice } from './credential_choice.ts';

/** A request for a token of the app itself (client credentials), which involves no user: it tells whose fault a refusal is. */
export interface HealthProbe {
  /** What it is to settle: at most one probe a minute for each. */
  readonly key: string;
  readonly app: App;
  readonly credentials: Pick<CredentialChoice, 'candidates'>;
  readonly directoryId: string;
  /** Undefined: Microsoft Graph. */
  readonly resource: string | undefined;
  /** The credential to present; undefined: the first one. */
  readonly usable?: UsableCredential | undefined;
}

export interface ProbeResult {
  /** Undefined: granted. */
  readonly meaning: Meaning | undefined;
  /** Of the probe's request among all requests. */
  readonly order: number;
  readonly newSince: Timestamp;
}

export interface HealthProbes {
  /** In the background. `settle` gets the answer, unless a probe of this key was sent within the last minute, or none could be sent. */
  send(probe: HealthProbe, settle: (result: ProbeResult) => Promise<void>): void;
  /** Waits for the probes on their way. */
  settled(): Promise<void>;
}

const PACE: Duration = MINUTE;
const MOST_KEYS = 10_000;

export function createHealthProbes(parts: {
  readonly clock: Clock;
  /** Undefined: nothing could be sent. */
  readonly request: (probe: HealthProbe, usable: UsableCredential) => Promise<ProbeResult | undefined>;
}): HealthProbes {
  const { clock, request } = parts;
  const sent = createBoundedMap<Timestamp>(MOST_KEYS);
  const running = new Set<Promise<void>>();

  async function run(probe: HealthProbe, settle: (result: ProbeResult) => Promise<void>): Promise<void> {
    const usable = probe.usable ?? (await probe.credentials.candidates(false)).inOrder[0];
    const result = usable && (await request(probe, usable));
    if (result !== undefined) await settle(result);
    // Nothing was learned, so the next failure may probe at once.
    else sent.delete(probe.key);
  }

  return {
    send(probe, settle) {
      const last = sent.get(probe.key);
      const now = clock.now();
      if (last !== undefined && elapsedSince(last, now) < PACE) return;
      sent.set(probe.key, now);
      const task: Promise<void> = run(probe, settle)
        .catch(() => {})
        .finally(() => running.delete(task));
      running.add(task);
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
