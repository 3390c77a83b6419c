import type { Timestamp } from './clock.ts';
import type { Connection } from './connection.ts';
import type { ResourceState } from './connection_resource_issue.ts';
import type { StateReason } from './state_reason.ts';

/** One resource of a connection, as callers see it. */
export interface ConnectionResource {
  readonly resource: string;
  readonly permissions: readonly string[];
  readonly state: ResourceState;
  readonly evidence: StateReason | undefined;
  /** From then on Entra is called again; undefined unless the resource itself has an issue. */
  readonly retryTime: Timestamp | undefined;
}

/**
 * Whether Entra accepts the refresh token, as far as is known. A connection can be sound and not ACTIVE if each of its resources is
 * refused for its own reason. A refusal of the grant itself removes the issues of single resources.
 */
export function isGrantSound({ grantState, resourceIssues }: Pick<Connection, 'grantState' | 'resourceIssues'>) {
  return grantState === 'ACTIVE' || Object.keys(resourceIssues).length > 0;
}

/** Whether a refused connection may be redeemed again: an administrator may have acted, or the refusal may have passed. */
export function mayBeVerified(connection: Connection): boolean {
  const { grantState, stateReason } = connection;
  return isGrantSound(connection) || grantState === 'BLOCKED' || stateReason?.mayPass === true;
}

/** Whether Entra refuses this resource for its own reason. */
export function isRefused({ resourceIssues }: Pick<Connection, 'resourceIssues'>, resource: string): boolean {
  const issue = resourceIssues[resource];
  return issue !== undefined && issue.state !== 'ACTIVE';
}

/** Why a token of this resource is refused, as far as that is stored; undefined: it is served. */
export function refusalOf(connection: Connection, resource: string): StateReason | undefined {
  if (!isGrantSound(connection)) return connection.stateReason;
  return isRefused(connection, resource) ? connection.resourceIssues[resource]?.evidence : undefined;
}

/** Granted ones first. */
export function resourcesOf(connection: Connection): readonly ConnectionResource[] {
  const { granted, resourceIssues, grantState, stateReason } = connection;
  const whole = isGrantSound(connection) || grantState === 'PENDING' ? 'ACTIVE' : grantState;
  return resourceNames(connection).map((resource) => {
    const issue = resourceIssues[resource];
    return {
      resource,
      permissions: granted[resource] ?? issue?.requested ?? [],
      state: issue?.state ?? whole,
      evidence: issue?.evidence ?? (whole === 'ACTIVE' ? undefined : stateReason),
      retryTime: issue?.retryTime,
    };
  });
}

/** A sound grant is ACTIVE while one of its resources is. Otherwise the user must act if that helps one of them, or else an administrator. */
export function withDerivedState(connection: Connection): Connection {
  const refused = Object.values(connection.resourceIssues).filter(({ state }) => state !== 'ACTIVE');
  if (refused.length === 0 || refused.length < resourceNames(connection).length) {
    return { ...connection, grantState: 'ACTIVE', stateReason: undefined };
  }
  const ofUser = refused.find(({ state }) => state !== 'BLOCKED');
  return {
    ...connection,
    grantState: ofUser === undefined ? 'BLOCKED' : 'REAUTHORIZATION_REQUIRED',
    stateReason: (ofUser ?? refused[0])?.evidence,
  };
}

function resourceNames({ granted, resourceIssues }: Pick<Connection, 'granted' | 'resourceIssues'>): string[] {
  return [...new Set([...Object.keys(granted), ...Object.keys(resourceIssues)])];
}
