import { expect } from './narrator.ts';

/** The sandbox, driven over HTTP as anybody could: `GET {url}/sandbox` lists what there is. */
export interface PretendEntra {
  readonly url: string;
  /** Sends JSON to a route below `/sandbox`; answers what it answers. */
  tell(route: string, body?: object): Promise<unknown>;
  /** Redemptions of refresh tokens until now, oldest first. */
  redemptions(): Promise<readonly Redemption[]>;
  /** Status of its little Graph, or of its IMAP check, for a token. */
  use(path: string, accessToken: string): Promise<number>;
  /** A secret of the app: the sandbox shows its pretend secrets to whoever asks. */
  seededSecret(clientId: string): Promise<string>;
}

export interface Redemption {
  readonly outcome: string;
  readonly presented_refresh_token_id?: string;
  readonly issued_refresh_token_id?: string;
}

export function createPretendEntra(url: string): PretendEntra {
  return {
    url,
    async tell(route, body = {}) {
      const response = await fetch(`${url}/sandbox/${route}`, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      expect(response.ok, `the sandbox refused ${route}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    async redemptions() {
      const response = await fetch(`${url}/sandbox/requests`);
      const { requests } = (await response.json()) as { requests: (Redemption & { grant?: string })[] };
      return requests.filter((request) => request.grant === 'refresh_token');
    },
    async use(path, accessToken) {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
      await response.body?.cancel();
      return response.status;
    },
    async seededSecret(clientId) {
      const world = (await (await fetch(`${url}/sandbox`)).json()) as {
        apps: { client_id: string; secrets: { value: string }[] }[];
      };
      return world.apps.find((app) => app.client_id === clientId)?.secrets[0]?.value ?? '';
    },
  };
}
