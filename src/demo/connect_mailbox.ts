import { Connection_State } from '../gen/tokenvault/v1/connection_pb.ts';
import type { Scene } from './demo_clients_and_actions.ts';
import { ADA, CONNECTION, DIRECTORY, RETURN_URL, SCOPES, TENANT } from './demo_names_and_addresses.ts';
import { expect } from './print_steps.ts';

/** The browser flow of one user, with the product's two calls. */
export async function connectMailbox({ connections, narrator }: Scene): Promise<void> {
  const started = await connections.startAuthorization({
    connection: CONNECTION,
    scopes: SCOPES,
    returnUrl: RETURN_URL,
  });
  const returned = await followBrowserFlow(started.connectUri, ADA, RETURN_URL);
  const outcome = returned.searchParams.get('outcome');
  expect(outcome === 'granted', `the browser returned with the outcome ${outcome}`);
  const confirmation = returned.searchParams.get('confirmation') ?? '';
  const confirmed = await connections.confirmAuthorization({ connection: CONNECTION, confirmation });
  expect(confirmed.connection?.state === Connection_State.ACTIVE, 'the connection did not become ACTIVE');
  narrator.result(
    `${ADA} passed the connect page, Entra and the callback; the product confirmed; the connection is ACTIVE`,
  );
}

/** An administrator of the user's organization approves what the product will request, before any user connects. */
export async function approveAsAdministrator({ connections, narrator }: Scene): Promise<void> {
  const request = { parent: TENANT, scopes: SCOPES, returnUrl: RETURN_URL };
  const { consentUri } = await connections.startAdminConsent(request);
  const returned = await followBrowserFlow(consentUri, DIRECTORY, RETURN_URL);
  const outcome = returned.searchParams.get('outcome');
  expect(outcome === 'granted', `the administrator returned with the outcome ${outcome}`);
  narrator.result(`the administrator of ${DIRECTORY} approved, once for all its users`);
}

/** Pages of Entra on which somebody decides. */
const DECISION = /\/(oauth2\/v2\.0\/authorize|v2\.0\/adminconsent)$/;

/**
 * Follows the flow with plain HTTP: the page of the link, its button, Entra, the callback, and the product. `as`, a user or a
 * directory, replaces the account picker. Returns the URL at which the product's page would open.
 */
async function followBrowserFlow(link: string, as: string, stopAt: string): Promise<URL> {
  const page = await fetch(link);
  expect(page.ok, `the page of the link answered ${page.status}`);
  await page.body?.cancel();

  let response = await fetch(link, { method: 'POST', redirect: 'manual' });
  for (let hops = 0; hops < 10; hops += 1) {
    const location = response.headers.get('location');
    // Without the query, which may hold a state or a code.
    const { origin, pathname } = new URL(response.url);
    expect(location !== null, `the flow stopped at ${origin}${pathname} with ${response.status}`);
    const next = new URL(location, response.url);
    if (next.href.startsWith(stopAt)) return next;
    if (DECISION.test(next.pathname)) next.searchParams.set('sandbox_auto', as);
    response = await fetch(next, { redirect: 'manual' });
  }
  throw new Error('the flow has more than ten redirects');
}
