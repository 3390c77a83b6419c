import type { Timestamp } from './clock.ts';
import { type Connection, connectionName, connectionState, type PermissionsByResource } from './connection.ts';
import type { ResourceState } from './connection_resource_issue.ts';
import { isGrantSound } from './connection_resource_states.ts';
import type { Reason } from './errors.ts';
import { newUid } from './id_patterns.ts';
import type { ConnectionChanged, Severity, VaultEvent } from './vault_event.ts';

interface ConnectionTransition {
  /** Undefined: it is new. */
  readonly before: Connection | undefined;
  /** Undefined: it is deleted. */
  readonly after: Connection | undefined;
  /** A new grant, which may have the same content as the old one. */
  readonly newGrant?: boolean | undefined;
  readonly time: Timestamp;
}

export type ConnectionChangedEvent = Extract<VaultEvent, { readonly type: 'connection.changed' }>;

/**
 * Undefined if nothing changed that matters to receivers. Additional permissions after a refresh are not reported, because the first
 * refresh after an import nearly always finds some; lost ones are.
 */
export function connectionChanged({
  before,
  after,
  newGrant = false,
  time,
}: ConnectionTransition): ConnectionChangedEvent | undefined {
  const connection = after ?? before;
  if (connection === undefined) return undefined;
  const changed = newGrant ? undefined : changedResource(before, after);
  const change = changeOf(before, after, newGrant, changed);
  if (change === undefined) return undefined;
  return {
    uid: newUid(),
    dedupeKey: undefined,
    type: 'connection.changed',
    severity: severityOf(after, changed),
    tenantUid: connection.tenantUid,
    tenantId: connection.tenantId,
    subject: connectionName(connection),
    time,
    data: {
      change,
      connectionUid: connection.uid,
      externalId: connection.externalId,
      state: after && connectionState(after),
      previousState: before && connectionState(before),
      reason: after && reasonOf(after),
      resource: changed?.resource,
      resourceState: changed?.state,
      resourceReason: changed?.reason,
    },
  };
}

function changeOf(
  before: Connection | undefined,
  after: Connection | undefined,
  newGrant: boolean,
  changed: ChangedResource | undefined,
): ConnectionChanged['change'] | undefined {
  if (before === undefined) return 'CREATED';
  if (after === undefined) return 'DELETED';
  if (newGrant) return 'GRANTED';
  if (connectionState(before) !== connectionState(after) || reasonOf(before) !== reasonOf(after)) return 'STATE';
  if (changed !== undefined || lostSome(before.granted, after.granted)) return 'STATE';
  if (before.externalId !== after.externalId || !sameLabels(before.labels, after.labels)) return 'RENAMED';
  return undefined;
}

function reasonOf(connection: Connection): Reason | undefined {
  switch (connectionState(connection)) {
    case 'PENDING':
    case 'ACTIVE':
      return undefined;
    case 'SUSPENDED':
      return 'CONNECTION_SUSPENDED';
    case 'BLOCKED':
    case 'REAUTHORIZATION_REQUIRED':
      return connection.stateReason?.reason;
  }
}

function lostSome(before: PermissionsByResource, after: PermissionsByResource): boolean {
  if (before === after) return false;
  return Object.entries(before).some(([resource, permissions]) => {
    const left = after[resource];
    return left !== permissions && !permissions.every((permission) => left?.includes(permission));
  });
}

function sameLabels(one: Connection['labels'], other: Connection['labels']): boolean {
  if (one === other) return true;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

interface ChangedResource {
  readonly resource: string;
  readonly state: ResourceState;
  readonly reason: Reason | undefined;
}

/** The resource whose own state or reason changed; of several, one that is refused now. */
function changedResource(before: Connection | undefined, after: Connection | undefined): ChangedResource | undefined {
  // A change of the grant itself affects all resources.
  if (before === undefined || after === undefined || !isGrantSound(before) || !isGrantSound(after)) return undefined;
  const resources = new Set([...Object.keys(before.resourceIssues), ...Object.keys(after.resourceIssues)]);
  const changed = [...resources].flatMap((resource) => {
    const [old, now] = [resourceState(before, resource), resourceState(after, resource)];
    return old.state === now.state && old.reason === now.reason ? [] : [{ resource, ...now }];
  });
  return changed.find(({ state }) => state !== 'ACTIVE') ?? changed[0];
}

function resourceState({ resourceIssues }: Connection, resource: string): Omit<ChangedResource, 'resource'> {
  const issue = resourceIssues[resource];
  if (issue === undefined || issue.state === 'ACTIVE') return { state: 'ACTIVE', reason: undefined };
  return { state: issue.state, reason: issue.evidence.reason };
}

/** WARNING if a user or an administrator must act. */
function severityOf(after: Connection | undefined, changed: ChangedResource | undefined): Severity {
  const state = after && connectionState(after);
  if (changed !== undefined && changed.state !== 'ACTIVE') return 'WARNING';
  return state === 'REAUTHORIZATION_REQUIRED' || state === 'BLOCKED' ? 'WARNING' : 'INFO';
}
