import { expect } from './narrator.ts';

/**
 * Walks a user's way with plain HTTP: the connect page, its button, Entra, the callback, and on to the product.
 * `signedInAs` takes the place of the account picker. Answers the address on which the product's page would open.
 */
export async function walk(connectUri: string, signedInAs: string, stopAt: string): Promise<URL> {
  const page = await fetch(connectUri);
  expect(page.ok, `the connect page answered ${page.status}`);
  await page.body?.cancel();

  let response = await fetch(connectUri, { method: 'POST', redirect: 'manual' });
  for (let hops = 0; hops < 10; hops += 1) {
    const location = response.headers.get('location');
    expect(location !== null, `the way ended at ${where(response)} with ${response.status}`);
    const next = new URL(location, response.url);
    if (next.href.startsWith(stopAt)) return next;
    if (next.pathname.endsWith('/oauth2/v2.0/authorize')) next.searchParams.set('sandbox_auto', signedInAs);
    response = await fetch(next, { redirect: 'manual' });
  }
  throw new Error('the way goes round in circles');
}

/** Without its query: a state or a code may stand there. */
function where(response: Response): string {
  const url = new URL(response.url);
  return `${url.origin}${url.pathname}`;
}
