import { expect } from './print_steps.ts';

export interface Redemption {
  readonly outcome: string;
  readonly presented_refresh_token_id?: string;
  readonly issued_refresh_token_id?: string;
}

/** A client of the sandbox's HTTP API, which `GET {url}/sandbox` describes. */
export type FakeEntra = ReturnType<typeof createFakeEntra>;

export function createFakeEntra(url: string) {
  return {
    url,
    /** Sends JSON to a route below `/sandbox`, and returns its response. */
    async post(route: string, body: object = {}): Promise<unknown> {
      const response = await fetch(`${url}/sandbox/${route}`, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      expect(response.ok, `the sandbox refused ${route}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    /** All redemptions of refresh tokens, oldest first. */
    async redemptions(): Promise<readonly Redemption[]> {
      const response = await fetch(`${url}/sandbox/requests`);
      const { requests } = (await response.json()) as { requests: (Redemption & { grant?: string })[] };
      return requests.filter((request) => request.grant === 'refresh_token');
    },
    /** The status of a request to the sandbox's Graph, or to its IMAP check. */
    async use(path: string, accessToken: string): Promise<number> {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
      await response.body?.cancel();
      return response.status;
    },
    /** The seeded client secret of an app, which is fake and therefore public. */
    async seededSecret(clientId: string): Promise<string> {
      const { apps } = (await (await fetch(`${url}/sandbox`)).json()) as {
        apps: { client_id: string; secrets: { value: string }[] }[];
      };
      return apps.find((app) => app.client_id === clientId)?.secrets[0]?.value ?? '';
    },
  };
}
