import type { HttpProxy } from '../model/http_proxy.ts';
import { Secret } from '../model/secret.ts';
import { strayCharacters } from './stray_characters.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * `HTTPS_PROXY` and `NO_PROXY`. Lower case takes precedence, as in curl. A fault never quotes the value, which may
 * contain a password.
 */
export function readProxy(variables: Variables): { readonly proxy: HttpProxy | undefined; readonly faults: string[] } {
  const found = find(variables, 'https_proxy');
  if (found === undefined) return { proxy: undefined, faults: [] };
  const without = find(variables, 'no_proxy');
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

function find(variables: Variables, lower: string): { readonly name: string; readonly value: string } | undefined {
  for (const name of [lower, lower.toUpperCase()]) {
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
