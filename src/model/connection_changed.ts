import type { Timestamp } from './clock.ts';
import { type Connection, connectionName, connectionState, type PermissionsByResource } from './connection.ts';
import { isGrantSound } from './connection_resources.ts';
import type { Reason } from './errors.ts';
import type { ConnectionChanged, Severity, VaultEvent } from './event.ts';
import { newUid } from './ids.ts';
import type { ResourceState } from './resource_issue.ts';

export interface ConnectionMove {
  /** Undefined: it is new. */
  readonly before: Connection | undefined;
  /** Undefined: it is deleted. */
  readonly after: Connection | undefined;
  /** A grant was swapped in, which may look like the one before. */
  readonly newGrant?: boolean | undefined;
  readonly time: Timestamp;
}

export type ConnectionChangedEvent = Extract<VaultEvent, { readonly type: 'connection.changed' }>;

/**
 * What others are told of it; undefined where nothing changed that concerns them. A refresh that learns of more permissions is not told
 * (the first one after an import nearly always does), one that lost some is.
 */
export function connectionChanged({
  before,
  after,
  newGrant = false,
  time,
}: ConnectionMove): ConnectionChangedEvent | undefined {
  const connection = after ?? before;
  if (connection === undefined) return undefined;
  const moved = newGrant ? undefined : movedResource(before, after);
  const change = changeOf(before, after, newGrant, moved);
  if (change === undefined) return undefined;
  return {
    uid: newUid(),
    dedupeKey: undefined,
    type: 'connection.changed',
    severity: severityOf(after, moved),
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
      resource: moved?.resource,
      resourceState: moved?.state,
      resourceReason: moved?.reason,
    },
  };
}

function changeOf(
  before: Connection | undefined,
  after: Connection | undefined,
  newGrant: boolean,
  moved: MovedResource | undefined,
): ConnectionChanged['change'] | undefined {
  if (before === undefined) return 'CREATED';
  if (after === undefined) return 'DELETED';
  if (newGrant) return 'GRANTED';
  if (connectionState(before) !== connectionState(after) || reasonOf(before) !== reasonOf(after)) return 'STATE';
  if (moved !== undefined || lostSome(before.granted, after.granted)) return 'STATE';
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

interface MovedResource {
  readonly resource: string;
  readonly state: ResourceState;
  readonly reason: Reason | undefined;
}

/** The resource whose own state or reason changed: of several one that is refused now. */
function movedResource(before: Connection | undefined, after: Connection | undefined): MovedResource | undefined {
  // With the grant itself, all resources change.
  if (before === undefined || after === undefined || !isGrantSound(before) || !isGrantSound(after)) return undefined;
  const resources = new Set([...Object.keys(before.resourceIssues), ...Object.keys(after.resourceIssues)]);
  const moved = [...resources].flatMap((resource) => {
    const [old, now] = [resourceState(before, resource), resourceState(after, resource)];
    return old.state === now.state && old.reason === now.reason ? [] : [{ resource, ...now }];
  });
  return moved.find(({ state }) => state !== 'ACTIVE') ?? moved[0];
}

function resourceState({ resourceIssues }: Connection, resource: string): Omit<MovedResource, 'resource'> {
  const issue = resourceIssues[resource];
  if (issue === undefined || issue.state === 'ACTIVE') return { state: 'ACTIVE', reason: undefined };
  return { state: issue.state, reason: issue.evidence.reason };
}

/** What a user or an administrator must do to get it going again. */
function severityOf(after: Connection | undefined, moved: MovedResource | undefined): Severity {
  const state = after && connectionState(after);
  if (moved !== undefined && moved.state !== 'ACTIVE') return 'WARNING';
  return state === 'REAUTHORIZATION_REQUIRED' || state === 'BLOCKED' ? 'WARNING' : 'INFO';
}
