import { checkText } from '../model/check_text_fields.ts';
import type { Clock } from '../model/clock.ts';
import type { ContainmentInEffect, MutableContainedSet } from '../model/contained_set.ts';
import { type Containment, callerSubject } from '../model/containment.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import { type AwaitedReplica, type AwaitReplicasParts, createAwaitReplicas } from './await_replicas.ts';
import type { FollowedContainments } from './follow_containments.ts';

const LONGEST_REASON = 500;
/** Each replica keeps all of them in memory. */
const MOST_CONTAINMENTS = 1_000;

/** What admins do with containments. Each needs a reason; each can be repeated without another effect. */
export interface ContainmentOperations {
  /** FIELD_INVALID, DATABASE_UNAVAILABLE. Effective in this process when it returns. */
  contain(request: ContainmentRequest): Promise<Contained>;
  lift(request: ContainmentRequest): Promise<Lifted>;
  /** In this process, until it ends or the containment is lifted here. Uses no database. */
  containLocal(request: ContainmentRequest): Containment;
  /** False: it was not contained here. */
  liftLocal(request: ContainmentRequest): boolean;
  /** In effect in this process. */
  list(): readonly ContainmentInEffect[];
  /** Undefined: it cannot be known. */
  exists(subject: string): Promise<boolean | undefined>;
  /** Of this process. */
  readonly replica: string;
}

export interface ContainmentRequest {
  readonly subject: string;
  readonly reason: string;
  readonly caller: string;
}

export interface Contained {
  readonly containment: Containment;
  /** Undefined: it is stored, but the replicas cannot be read. */
  readonly replicas: readonly AwaitedReplica[] | undefined;
}

export interface Lifted extends Pick<Contained, 'replicas'> {
  /** False: the subject was not contained. */
  readonly wasContained: boolean;
}

export interface ContainmentOperationsParts extends AwaitReplicasParts {
  readonly stores: AwaitReplicasParts['stores'] & Pick<Stores, 'containments' | 'tenants' | 'apps'>;
  readonly contained: MutableContainedSet;
  readonly containments: FollowedContainments;
  readonly clock: Clock;
  readonly log: Log;
}

export function createContainmentOperations(parts: ContainmentOperationsParts): ContainmentOperations {
  const { stores, contained, containments, replica, clock, log } = parts;
  const awaitReplicas = createAwaitReplicas(parts);

  function toContainment({ subject, reason, caller }: ContainmentRequest): Containment {
    if (subject === callerSubject(caller)) throw fieldInvalid('subject.caller', ONESELF);
    checkReason(reason);
    const known = contained.list();
    if (known.length >= MOST_CONTAINMENTS && known.every((one) => one.subject !== subject))
      throw fieldInvalid('subject', TOO_MANY);
    return { subject, reason, caller, createTime: clock.now() };
  }

  /** The change is made by now: an error would suggest that it is not. */
  async function applied(): Promise<readonly AwaitedReplica[] | undefined> {
    return awaitReplicas().catch(() => undefined);
  }

  async function findNamed(subject: string): Promise<boolean | undefined> {
    const [collection, tenantId = '', , appId] = subject.split('/');
    if (collection !== 'tenants') return undefined;
    const tenant = await stores.tenants.find(tenantId);
    if (tenant === undefined || appId === undefined) return tenant !== undefined;
    return (await stores.apps.find(tenant.uid, appId)) !== undefined;
  }

  return {
    replica: replica.name,
    list: contained.list,
    exists: (subject) => findNamed(subject).catch(() => undefined),
    async contain(request) {
      const containment = await stores.containments.contain(toContainment(request));
      containments.add(containment);
      // Another process may have lifted it meanwhile.
      await containments.reload().catch(() => {});
      return { containment, replicas: await applied() };
    },
    async lift({ subject, reason }) {
      checkReason(reason);
      const wasContained = await stores.containments.lift(subject);
      await containments.reload();
      return { wasContained, replicas: await applied() };
    },
    containLocal(request) {
      const containment = toContainment(request);
      contained.addLocal(containment);
      log.event('warn', 'containments_changed', { count: contained.size });
      return containment;
    },
    liftLocal({ subject, reason }) {
      checkReason(reason);
      const wasContained = contained.removeLocal(subject);
      if (wasContained) log.event('warn', 'containments_changed', { count: contained.size });
      return wasContained;
    },
  };
}

const ONESELF = 'is your own id. Another admin must contain it, or remove you from the callers file';
const TOO_MANY = `must be one that is contained already, because ${MOST_CONTAINMENTS} containments are in effect. Lift some, or contain a tenant or all`;

function checkReason(reason: string): void {
  if (reason.trim() === '') throw fieldInvalid('reason', 'must say why. It is shown to operators and in the audit log');
  checkText('reason', reason, LONGEST_REASON);
}
