import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Product {
  /** The start page of its users. */
  readonly url: string;
  readonly returnUrl: string;
  /** Queries of returning browsers, oldest first. */
  readonly returned: readonly URLSearchParams[];
  close(): Promise<void>;
}

export interface ProductParts {
  /** For the signed-in user. Returns the address to open. */
  readonly start: (user: string, returnUrl: string) => Promise<string>;
  /** Returns a word for the page. */
  readonly confirm: (user: string, confirmation: string) => Promise<string>;
}

/** A minimal product: it identifies its users by a cookie, and confirms only for them. */
export async function startProduct({ start, confirm }: ProductParts): Promise<Product> {
  const returned: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', address());
    const send = (text: string, headers = {}) =>
      response
        .writeHead(200, { 'content-type': 'text/html', ...headers })
        .end(`<!doctype html><html lang="en"><title>${text}</title><main><h1>${text}</h1></main></html>`);
    if (url.pathname === '/start') {
      const user = url.searchParams.get('user') ?? '';
      const location = await start(user, `${address()}/connected`);
      response.writeHead(303, { location, 'set-cookie': `user=${user}; HttpOnly; SameSite=Lax` }).end();
    } else if (url.pathname === '/connected') {
      returned.push(url.searchParams);
      const confirmation = url.searchParams.get('confirmation');
      const word =
        confirmation === null ? url.searchParams.get('outcome') : await confirm(userOf(request), confirmation);
      send(`Back: ${word}`);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: address(),
    returnUrl: `${address()}/connected`,
    returned,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function userOf(request: IncomingMessage): string {
  return /user=([a-z0-9-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
}
