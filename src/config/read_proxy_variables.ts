import type { HttpProxy } from '../model/http_proxy.ts';
import { Secret } from '../model/secret.ts';
import { strayCharacters } from './stray_characters.ts';
import type { VariableText } from './variable_texts.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Lower case takes precedence, as in curl. */
export const PROXY_VARIABLES = {
  HTTPS_PROXY: {
    text: 'Proxy for requests to Entra, Microsoft Graph and Azure Key Vault. It is never used for loopback or webhooks. The log event `entra_proxy_used` names it at startup. `https_proxy` in lower case takes precedence.',
    format: '`http://[USER:PASSWORD@]HOST:PORT` or `https://…`',
    unset: 'no proxy',
    secret: 'the value, if it has a password',
  },
  NO_PROXY: {
    text: 'Hosts to reach without the proxy, as in curl. `no_proxy` in lower case takes precedence.',
    format: 'names of hosts, separated by commas',
    unset: 'all hosts are reached through the proxy',
  },
} as const satisfies Readonly<Record<string, VariableText>>;

/** A fault never quotes the value, which may contain a password. */
export function readProxy(variables: Variables): { readonly proxy: HttpProxy | undefined; readonly faults: string[] } {
  const found = find(variables, 'HTTPS_PROXY');
  if (found === undefined) return { proxy: undefined, faults: [] };
  const without = find(variables, 'NO_PROXY');
  const faults = [found, ...(without === undefined ? [] : [without])].flatMap(({ name, value }) => {
    const stray = strayCharacters(value);
    return stray === undefined ? [] : [`${name}: ${stray}`];
  });
  if (faults.length > 0) return { proxy: undefined, faults };

  // Addresses without a scheme are common, because curl accepts them.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(found.value) ? found.value : `http://${found.value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !isDecodable(url.username + url.password))
    return {
      proxy: undefined,
      faults: [`${found.name}: must be the http or https address of a proxy, such as http://proxy.example:3128`],
    };
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return {
    proxy: { url: new Secret(url.href), host: `${url.hostname}:${port}`, noProxy: without?.value ?? '' },
    faults: [],
  };
}

function find(
  variables: Variables,
  upper: keyof typeof PROXY_VARIABLES,
): { readonly name: string; readonly value: string } | undefined {
  for (const name of [upper.toLowerCase(), upper]) {
    const value = variables[name] ?? '';
    if (value !== '') return { name, value };
  }
  return undefined;
}

/** User name and password are sent to the proxy decoded. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
