import type { AuditLog } from '../src/audit/audit_log_interface.ts';
import type { AppRegistrations } from '../src/entra/app_registrations_interface.ts';
import type { App } from '../src/model/entra_app.ts';
import type { Outside } from '../src/startup/start_vault.ts';
import type { RotationAdvance, RotationStore } from '../src/store/background_store_interfaces.ts';
import type { RootKeyStore } from '../src/store/root_key_store_interface.ts';
import type { GrantStore, HeldLease } from '../src/store/store_interfaces.ts';
import type { TenantKeyStore } from '../src/store/tenant_key_store_interface.ts';

/** Steps after which a test may kill the process. */
export type CrashPoint =
  | 'before_lease'
  | 'after_lease'
  /** Entra has answered; nothing is recorded yet. */
  | 'after_entra'
  | 'after_record'
  | 'after_audit'
  | 'after_reply'
  | RotationCrashPoint
  | RootKeyCrashPoint
  | TenantKeyCrashPoint;

export type RootKeyCrashPoint =
  /** Every replica has the new root key; nothing is stored yet. */
  | 'root_key_checked'
  /** The new root key is active. */
  | 'root_key_activated'
  /** The next batch of data keys is to be wrapped. */
  | 'data_keys_unwrapped'
  | 'data_keys_rewrapped'
  /** No data key is under the old root key, which is not retired yet. */
  | 'root_key_unused'
  | 'root_key_retired';

export type TenantKeyCrashPoint =
  /** The new data key is not stored yet. */
  | 'tenant_key_requested'
  /** The new data key is stored, and values are sealed under it. */
  | 'tenant_key_added'
  /** The next batch of values is to be sealed again. */
  | 'values_unsealed'
  | 'values_resealed'
  /** Every value is sealed under the new data key; the old one is not deleted yet. */
  | 'tenant_key_unused'
  | 'tenant_key_retired'
  /** Deleted data keys are still in the log of the database. */
  | 'tenant_keys_unshredded';

export type RotationCrashPoint =
  /** The rotation is stored; nothing was requested from Graph yet. */
  | 'rotation_begun'
  /** The orphan of an earlier attempt was removed from the registration. */
  | 'rotation_orphan_removed'
  /** Graph has returned the new secret, which is in memory only. */
  | 'rotation_added'
  /** The new secret is stored. */
  | 'rotation_sealed'
  /** Entra accepts the new secret, which is not preferred yet. */
  | 'rotation_proved'
  | 'rotation_preferred'
  /** The day of observation is over; the old secret still exists. */
  | 'rotation_watched'
  /** The old secret is removed from the registration, not yet from the vault. */
  | 'rotation_removed'
  | 'rotation_done';

/** Kills the process or throws, if `point` is the one that the test has chosen. */
export type Reach<Point extends CrashPoint = CrashPoint> = (point: Point) => void;

/** Everything outside of the vault's memory, with all crash points. */
export function withCrashPoints({ stores, registrations, audit }: Outside, reach: Reach): Outside {
  const rotation = withRotationCrashPoints({ rotations: stores.rotations, registrations }, reach);
  return {
    stores: {
      ...stores,
      grants: withLeaseCrashPoints(stores.grants, reach),
      rotations: rotation.rotations,
      rootKeys: withRootKeyCrashPoints(stores.rootKeys, reach),
      tenantKeys: withTenantKeyCrashPoints(stores.tenantKeys, reach),
    },
    registrations: rotation.registrations,
    audit: withAuditCrashPoints(audit, reach),
  };
}

export function withLeaseCrashPoints(grants: GrantStore, reach: Reach): GrantStore {
  return {
    ...grants,
    async lease(...request) {
      reach('before_lease');
      const held = await grants.lease(...request);
      if (held === undefined) return undefined;
      reach('after_lease');
      const record: HeldLease['record'] = async (outcome) => {
        reach('after_entra');
        const recorded = await held.record(outcome);
        reach('after_record');
        return recorded;
      };
      return { ...held, record };
    },
  };
}

function withRootKeyCrashPoints(rootKeys: RootKeyStore, reach: Reach): RootKeyStore {
  return {
    ...rootKeys,
    async activate(...request) {
      reach('root_key_checked');
      const activation = await rootKeys.activate(...request);
      reach('root_key_activated');
      return activation;
    },
    async rewrap(...request) {
      reach('data_keys_unwrapped');
      const batch = await rootKeys.rewrap(...request);
      reach('data_keys_rewrapped');
      return batch;
    },
    async retire(time) {
      reach('root_key_unused');
      const retired = await rootKeys.retire(time);
      reach('root_key_retired');
      return retired;
    },
  };
}

function withTenantKeyCrashPoints(tenantKeys: TenantKeyStore, reach: Reach): TenantKeyStore {
  return {
    ...tenantKeys,
    async rotate(owner) {
      reach('tenant_key_requested');
      const isAdded = await tenantKeys.rotate(owner);
      reach('tenant_key_added');
      return isAdded;
    },
    async reseal(...request) {
      reach('values_unsealed');
      const batch = await tenantKeys.reseal(...request);
      if (batch.resealed > 0) reach('values_resealed');
      return batch;
    },
    async retire(tenant) {
      // A small tenant has no such step.
      if ((await tenantKeys.versions(tenant.tenantUid)).length > 1) reach('tenant_key_unused');
      const isRetired = await tenantKeys.retire(tenant);
      reach('tenant_key_retired');
      return isRetired;
    },
    shredSoon() {
      reach('tenant_keys_unshredded');
      tenantKeys.shredSoon();
    },
  };
}

function withAuditCrashPoints(audit: AuditLog, reach: Reach): AuditLog {
  const append: AuditLog['append'] = (entry, done) =>
    audit.append(entry, (refused) => {
      if (entry.status === 'OK') reach('after_audit');
      done(refused);
      if (entry.status === 'OK') reach('after_reply');
    });
  return Object.assign(Object.create(audit) as AuditLog, { append });
}

interface RotationOutside {
  readonly rotations: RotationStore;
  readonly registrations: AppRegistrations;
}

export function withRotationCrashPoints(
  { rotations, registrations }: RotationOutside,
  reach: Reach<RotationCrashPoint>,
): RotationOutside {
  function added<Response extends { readonly kind: string }>(response: Response): Response {
    if (response.kind === 'added') reach('rotation_added');
    return response;
  }
  async function removed<Response extends { readonly kind: string }>(app: App, response: Response): Promise<Response> {
    const isGone = response.kind === 'removed' || response.kind === 'absent';
    if (isGone && (await rotations.find(app.uid))?.step === 'ADD') reach('rotation_orphan_removed');
    return response;
  }
  return {
    rotations: {
      ...rotations,
      async begin(rotation) {
        const isBegun = await rotations.begin(rotation);
        if (isBegun) reach('rotation_begun');
        return isBegun;
      },
      async advance(advance) {
        const { before, after } = pointsOf(advance);
        if (before !== undefined) reach(before);
        const isWritten = await rotations.advance(advance);
        if (isWritten && after !== undefined) reach(after);
        return isWritten;
      },
    },
    registrations: {
      ...registrations,
      addPassword: async (...request) => added(await registrations.addPassword(...request)),
      addCertificate: async (...request) => added(await registrations.addCertificate(...request)),
      removePassword: async (app, keyId) => removed(app, await registrations.removePassword(app, keyId)),
      removeCertificate: async (app, keyId, proofBy) =>
        removed(app, await registrations.removeCertificate(app, keyId, proofBy)),
    },
  };
}

/** The points before and after the commit of a step. */
function pointsOf({
  before,
  after,
  add,
  prefer,
  remove,
}: RotationAdvance): Partial<Record<'before' | 'after', RotationCrashPoint>> {
  if (add !== undefined) return { after: 'rotation_sealed' };
  if (prefer !== undefined) return { before: 'rotation_proved', after: 'rotation_preferred' };
  if (before.step === 'WATCH' && after?.step === 'REMOVE') return { after: 'rotation_watched' };
  // With `after`, the rotation starts again, because the new secret was lost.
  if (remove !== undefined && after === undefined) return { before: 'rotation_removed', after: 'rotation_done' };
  return {};
}
