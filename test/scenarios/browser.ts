export interface Walk {
  /** Signs in with this account, in place of the account picker; approves as the administrator of this directory. */
  readonly as: string;
  /** Presses "cancel" on Entra's page. */
  readonly declines?: boolean;
}

export interface Arrival {
  /** The product's page, also where a page of the vault's leads back to it by a link; else the vault's own last page. */
  readonly url: URL;
  readonly status: number | undefined;
  /** Of the vault's own last page; empty on the product's. */
  readonly text: string;
}

/** A browser that knows two hosts: the vault's and the sandbox's. Any other is a product's, where its walk ends. */
export interface Browser {
  walk(address: string, choice: Walk): Promise<Arrival>;
}

/** Pages with one button, which posts to the page's own address. */
const LINK = /^\/(connect|admin-consent)\/[^/]+$/;
/** Pages of Entra's where somebody decides. */
const DECISION = /\/(oauth2\/v2\.0\/authorize|v2\.0\/adminconsent)$/;

export function createBrowser(hosts: { readonly publicUrl: string; readonly sandboxUrl: string }): Browser {
  const known = new Set([new URL(hosts.publicUrl).origin, new URL(hosts.sandboxUrl).origin]);
  const vault = new URL(hosts.publicUrl).origin;
  return {
    async walk(address, choice) {
      let url = new URL(address);
      let method = url.origin === vault && LINK.test(url.pathname) ? 'POST' : 'GET';
      for (let hop = 0; hop < 10; hop++) {
        if (!known.has(url.origin) || isProducts(url, vault)) return { url, status: undefined, text: '' };
        if (DECISION.test(url.pathname)) {
          url.searchParams.set('sandbox_auto', choice.as);
          if (choice.declines === true) url.searchParams.set('sandbox_decline', '1');
        }
        const response = await fetch(url, { method, redirect: 'manual' });
        const location = response.headers.get('location');
        const text = await response.text();
        const next = location ?? backToProduct(text);
        if (next === undefined) return { url, status: response.status, text };
        url = new URL(next, url);
        method = 'GET';
      }
      throw new Error('the way goes round in circles');
    },
  };
}

/** A failure is explained first; then its page leads back. */
function backToProduct(html: string): string | undefined {
  return /<a class="button[^"]*" href="(https?:[^"]*)">/.exec(html)?.[1]?.replaceAll('&amp;', '&');
}

/** A return address of the product that happens to live on the vault's own origin. */
function isProducts(url: URL, vault: string): boolean {
  return url.origin === vault && !LINK.test(url.pathname) && url.pathname !== '/oauth2/callback';
}
