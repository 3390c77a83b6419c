import { randomUUID } from 'node:crypto';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { CONTOSO_USER, type Onboarded, onboard } from '../scenarios/onboard.ts';
import { failureOf, type Scenario } from '../scenarios/start_scenario.ts';

export const GRAPH = 'https://graph.microsoft.com';
export const OUTLOOK = 'https://outlook.office.com';
export const MAIL = 'Mail.Read';
export const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;

export type Person = 'a' | 'b' | 'c' | 'd';

/** A separate app for one response of Entra, and its users. */
export interface Crew {
  readonly tenant: Onboarded;
  /** Usernames: A, B and D in one directory, C in another. */
  readonly users: Readonly<Record<Person, string>>;
  /** Connection names: A has two resources; D is of another tenant. */
  readonly connections: Readonly<Record<Person, string>>;
}

/** Result of a call for a token. */
export interface Answer {
  readonly reason: string;
  readonly status: string;
  /** Entra issued it for this call. */
  readonly isFresh: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfter: number | undefined;
}

export async function gatherCrew(
  scenario: Scenario,
  guest: Pick<Onboarded, 'name' | 'connection'>,
  number: number,
): Promise<Crew> {
  const { sandbox } = scenario;
  const tenant = await onboard(scenario, `row-${number}`, { tenant: { preset: '', catalog: 'microsoft' } });
  await scenario.apps.updateApp({ app: { name: tenant.app, sharedWith: [guest.name] } });
  const add = (person: Person, domain: string) =>
    sandbox.addUser({ username: `${person}-${number}@${domain}` }).username;
  const contoso = CONTOSO_USER.slice(CONTOSO_USER.indexOf('@') + 1);
  const users = { a: add('a', contoso), b: add('b', contoso), c: add('c', 'fabrikam.example'), d: add('d', contoso) };
  const connections = {
    a: tenant.connection('a'),
    b: tenant.connection('b'),
    c: tenant.connection('c'),
    d: guest.connection(`d-${number}`),
  };
  const scopes = { a: [MAIL, IMAP], b: [MAIL], c: [MAIL], d: [MAIL] };
  for (const person of ['a', 'b', 'c', 'd'] as const) {
    await scenario.connections.importConnection({
      connection: connections[person],
      app: tenant.app,
      scopes: scopes[person],
      refreshToken: sandbox.issueRefreshToken({
        clientId: tenant.clientId,
        userObjectId: users[person],
        scopes: ['openid', 'profile', 'offline_access', ...scopes[person]],
      }),
    });
  }
  return { tenant, users, connections };
}

/** `claims`: with a challenge that differs each time. */
export async function askFor(
  { tokens }: Pick<Scenario, 'tokens'>,
  connection: string,
  { resource = GRAPH, claims = false }: { resource?: string; claims?: boolean } = {},
): Promise<Answer> {
  let isFresh = false;
  const failure = await failureOf(
    tokens
      .getAccessToken({
        connection,
        scopes: [resource === GRAPH ? MAIL : IMAP],
        ...(claims ? { claims: JSON.stringify({ access_token: { nbf: { value: randomUUID() } } }) } : {}),
      })
      .then(({ source }) => {
        isFresh = source === TokenSource.ENTRA;
      }),
  );
  const { reason = 'OK', code: status = 'OK', metadata = {}, retryAfter } = failure ?? {};
  return { reason, status, isFresh, metadata, retryAfter };
}
