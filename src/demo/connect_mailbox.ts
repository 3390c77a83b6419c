import { Connection_State } from '../gen/tokenvault/v1/connection_pb.ts';
import type { Scene } from './demo_clients_and_actions.ts';
import { ADA, CONNECTION, RETURN_URL } from './demo_names_and_addresses.ts';
import { expect } from './print_steps.ts';

/** The browser flow of one user, with the product's two calls. */
export async function connectMailbox({ connections, narrator }: Scene): Promise<void> {
  const started = await connections.startAuthorization({
    connection: CONNECTION,
    scopes: ['Mail.ReadOnly', 'Calendar.ReadWrite'],
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

/**
 * Follows the flow with plain HTTP: the connect page, its button, Entra, the callback, and the product. `username` replaces the
 * account picker. Returns the URL at which the product's page would open.
 */
async function followBrowserFlow(connectUri: string, username: string, stopAt: string): Promise<URL> {
  const page = await fetch(connectUri);
  expect(page.ok, `the connect page answered ${page.status}`);
  await page.body?.cancel();

  let response = await fetch(connectUri, { method: 'POST', redirect: 'manual' });
  for (let hops = 0; hops < 10; hops += 1) {
    const location = response.headers.get('location');
    // Without the query, which may hold a state or a code.
    const { origin, pathname } = new URL(response.url);
    expect(location !== null, `the flow stopped at ${origin}${pathname} with ${response.status}`);
    const next = new URL(location, response.url);
    if (next.href.startsWith(stopAt)) return next;
    if (next.pathname.endsWith('/oauth2/v2.0/authorize')) next.searchParams.set('sandbox_auto', username);
    response = await fetch(next, { redirect: 'manual' });
  }
  throw new Error('the flow has more than ten redirects');
}
