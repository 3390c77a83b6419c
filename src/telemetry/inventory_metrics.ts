import { Gauge, type Registry } from 'prom-client';
import { ROTATION_STEPS } from '../model/rotation.ts';

/** What is there, asked once per scrape. */
export interface Inventory {
  connectionsByState(): Promise<Readonly<Record<string, number>>>;
  credentialEnds(): Promise<readonly CredentialEnd[]>;
  /** Of those under way; a step can be there twice. */
  rotations(): Promise<readonly RotationCount[]>;
}

interface RotationCount {
  readonly step: string;
  /** Something keeps them from going on. */
  readonly isFailing: boolean;
  readonly count: number;
  readonly oldestBeginTime: number;
}

interface CredentialEnd {
  readonly tenantId: string;
  readonly appId: string;
  readonly credentialId: string;
  readonly expireTime: number;
}

/**
 * An end of "never" (2299) is told like others: it alarms nobody, and an alert on the last end of an app (runbook) must know that
 * the app goes on when its other credentials end.
 */
export function createInventoryMetrics(registry: Registry, inventory: Inventory): void {
  const registers = [registry];
  new Gauge({
    name: 'tokenvault_connections',
    help: 'Stored connections by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = await orNothing(inventory.connectionsByState());
      for (const [state, count] of Object.entries(counts ?? {})) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'tokenvault_credential_expire_timestamp_seconds',
    help: 'The end of each credential that has one (of the 10,000 that end soonest), in seconds since 1970; without those that Entra refuses before their end.',
    labelNames: ['tenant', 'app', 'credential'],
    registers,
    async collect() {
      const ends = await orNothing(inventory.credentialEnds());
      if (ends !== undefined) this.reset();
      for (const end of ends ?? []) {
        this.set({ tenant: end.tenantId, app: end.appId, credential: end.credentialId }, end.expireTime / 1_000);
      }
    },
  });
  createRotationGauges(registers, inventory);
}

function createRotationGauges(registers: Registry[], inventory: Inventory): void {
  new Gauge({
    name: 'tokenvault_rotations',
    help: 'Renewals of client secrets under way, by what is done next, and whether something keeps them from going on.',
    labelNames: ['step', 'failing'],
    registers,
    async collect() {
      const counts = await orNothing(inventory.rotations());
      if (counts === undefined) return;
      for (const step of ROTATION_STEPS) {
        for (const failing of ['false', 'true']) this.set({ step, failing }, 0);
      }
      for (const { step, isFailing, count } of counts) this.inc({ step, failing: String(isFailing) }, count);
    },
  });
  new Gauge({
    name: 'tokenvault_rotation_oldest_begin_timestamp_seconds',
    help: 'When the oldest renewal of a client secret under way began, in seconds since 1970; absent: none is under way.',
    registers,
    async collect() {
      const counts = await orNothing(inventory.rotations());
      if (counts === undefined) return;
      this.remove();
      if (counts.length > 0) this.set(Math.min(...counts.map((one) => one.oldestBeginTime)) / 1_000);
    },
  });
}

/** What was known stays: one gauge that cannot be asked must not take all of `/metrics` along, least of all while the database is away. */
export async function orNothing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  return answer.catch(() => undefined);
}
