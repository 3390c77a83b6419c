import { ROTATION_STEPS } from '../model/secret_rotation.ts';
import type { Meter } from './prometheus_meter.ts';

/** Rows of the database that are counted at each scrape. */
export interface Inventory {
  connectionsByState(): Promise<Readonly<Record<string, number>>>;
  credentialExpiries(): Promise<readonly CredentialExpiry[]>;
  /** Rotations in progress. A step may occur twice, with and without a failure. */
  rotations(): Promise<readonly RotationCount[]>;
}

interface RotationCount {
  readonly step: string;
  /** A problem blocks them. */
  readonly isFailing: boolean;
  readonly count: number;
  readonly oldestBeginTime: number;
}

interface CredentialExpiry {
  readonly tenantId: string;
  readonly appId: string;
  readonly credentialId: string;
  readonly expireTime: number;
}

/**
 * A credential that never expires (2299) is reported too: an alert on the last expiry of an app must know that another
 * credential of the app stays valid.
 */
export function createInventoryMetrics(meter: Meter, inventory: Inventory): void {
  meter.observed(
    'tokenvault_connections',
    'Stored connections, by state.',
    ['state'],
    inventory.connectionsByState,
    (gauge, counts) => {
      for (const [state, count] of Object.entries(counts)) gauge.set({ state }, count);
    },
  );
  meter.observed(
    'tokenvault_credential_expire_timestamp_seconds',
    'Expiry of each credential that has one (the 10,000 that expire first), in seconds since 1970; without credentials that Entra rejects.',
    ['tenant', 'app', 'credential'],
    inventory.credentialExpiries,
    (gauge, expiries) => {
      gauge.reset();
      for (const { tenantId, appId, credentialId, expireTime } of expiries)
        gauge.set({ tenant: tenantId, app: appId, credential: credentialId }, expireTime / 1_000);
    },
  );
  meter.observed(
    'tokenvault_rotations',
    'Rotations of client secrets and certificates in progress, by next step and by whether a problem blocks them.',
    ['step', 'failing'],
    inventory.rotations,
    (gauge, counts) => {
      for (const step of ROTATION_STEPS) for (const failing of ['false', 'true']) gauge.set({ step, failing }, 0);
      for (const { step, isFailing, count } of counts) gauge.inc({ step, failing: String(isFailing) }, count);
    },
  );
  meter.observed(
    'tokenvault_rotation_oldest_begin_timestamp_seconds',
    'Start time of the oldest rotation of a credential in progress, in seconds since 1970; absent without a rotation.',
    [],
    inventory.rotations,
    (gauge, counts) => {
      gauge.remove();
      if (counts.length > 0) gauge.set(Math.min(...counts.map((one) => one.oldestBeginTime)) / 1_000);
    },
  );
}
