import { Connection_State } from '../gen/tokenvault/v1/connection_pb.ts';
import { walk } from './browser.ts';
import { ADA, CONNECTION, RETURN_URL } from './cast.ts';
import { expect } from './narrator.ts';
import type { Scene } from './scene.ts';

/** Ada's way through the browser, and the product's two calls around it. */
export async function connectMailbox({ connections, tell }: Scene): Promise<void> {
  const started = await connections.startAuthorization({
    connection: CONNECTION,
    scopes: ['Mail.ReadOnly', 'Calendar.ReadWrite'],
    returnUrl: RETURN_URL,
  });
  const returned = await walk(started.connectUri, ADA, RETURN_URL);
  const outcome = returned.searchParams.get('outcome');
  expect(outcome === 'granted', `the browser came back with ${outcome}`);
  const confirmation = returned.searchParams.get('confirmation') ?? '';
  const confirmed = await connections.confirmAuthorization({ connection: CONNECTION, confirmation });
  expect(confirmed.connection?.state === Connection_State.ACTIVE, 'the connection did not become ACTIVE');
  tell.fact(`${ADA} went through the connect page, Entra and the callback, and the product confirmed: ACTIVE`);
}
