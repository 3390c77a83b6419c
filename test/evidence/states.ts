import { App_State, type StateReason } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State, ConnectionResource_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_State } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { ErrorReason } from '../../src/gen/tokenvault/v1/error_reason_pb.ts';
import type { Scenario } from '../scenarios/start_scenario.ts';
import type { Crew } from './crew.ts';

export interface Seen {
  readonly state: string;
  readonly reason: string;
  readonly entraError: string;
}

/** What GetConnection and GetApp tell of a crew. */
export interface States {
  readonly connection: Seen;
  readonly resources: Readonly<Record<string, Seen>>;
  readonly others: Readonly<Record<'b' | 'c' | 'd', string>>;
  readonly app: Seen;
  readonly failingDirectories: readonly string[];
  readonly credentials: readonly string[];
}

export async function readStates(scenario: Scenario, { tenant, connections }: Crew): Promise<States> {
  const read = async (person: 'a' | 'b' | 'c' | 'd') => {
    const { connection } = await scenario.connections.getConnection({ name: connections[person] });
    return connection;
  };
  const stateOf = async (person: 'b' | 'c' | 'd') => nameIn(Connection_State, (await read(person))?.state);
  const a = await read('a');
  const { app } = await scenario.apps.getApp({ name: tenant.app });
  return {
    connection: seen(nameIn(Connection_State, a?.state), a?.stateReason),
    resources: Object.fromEntries(
      (a?.resources ?? []).map(({ resource, state, stateReason }) => [
        resource,
        seen(nameIn(ConnectionResource_State, state), stateReason),
      ]),
    ),
    others: { b: await stateOf('b'), c: await stateOf('c'), d: await stateOf('d') },
    app: seen(nameIn(App_State, app?.state), app?.stateReason),
    failingDirectories: app?.failingDirectories.map(({ directoryId }) => directoryId) ?? [],
    credentials: app?.credentials.map(({ state }) => nameIn(Credential_State, state)) ?? [],
  };
}

function seen(state: string, stateReason: StateReason | undefined): Seen {
  const reason = stateReason === undefined ? '' : nameIn(ErrorReason, stateReason.reason);
  return { state, reason, entraError: stateReason?.entraError ?? '' };
}

function nameIn(values: Readonly<Record<string, number>>, value: number | undefined): string {
  return Object.entries(values).find(([, number]) => number === value)?.[0] ?? '';
}
