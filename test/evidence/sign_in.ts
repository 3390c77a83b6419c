import { connectByPage, RETURN_URL } from '../scenarios/onboard.ts';
import type { Scenario } from '../scenarios/start_scenario.ts';
import type { AnswerRow } from './answer_rows.ts';
import { type Crew, IMAP, MAIL } from './crew.ts';
import { inject } from './inject.ts';

/** A signs in again under the same name. */
export async function signIn(scenario: Scenario, { tenant, users }: Crew): Promise<void> {
  await connectByPage(scenario, tenant, 'a', { scopes: [MAIL, IMAP], user: users.a });
}

/** A signs in for further connections, and Entra refuses: on the way back to the vault, or when the code is redeemed. Answers both outcomes. */
export async function signInWith(scenario: Scenario, crew: Crew, { code, error }: AnswerRow) {
  const whom = {
    kind: 'error',
    code,
    error,
    app: crew.tenant.clientId,
    user: crew.users.a,
    untilRemoved: true,
  } as const;
  await inject(scenario, { ...whom, endpoint: 'authorize' });
  const authorize = await outcomeOf(scenario, crew, 'at-authorize');
  await inject(scenario, { ...whom, grant: 'authorization_code' });
  const redeemed = await outcomeOf(scenario, crew, 'at-redemption');
  return { authorize, code: redeemed };
}

async function outcomeOf(scenario: Scenario, { tenant, users }: Crew, id: string): Promise<string> {
  const connection = tenant.connection(id);
  const { connectUri } = await scenario.connections.startAuthorization({
    connection,
    scopes: [MAIL],
    returnUrl: RETURN_URL,
  });
  const { url, text } = await scenario.browser.walk(connectUri, { as: users.a });
  return (url.searchParams.get('outcome') ?? `${url.pathname}: ${text.slice(0, 200)}`).toUpperCase();
}
