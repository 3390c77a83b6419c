import { isIP } from 'node:net';

/**
 * What is wrong with the address of a sink; undefined: nothing. Private addresses are fine, and so are names that resolve to them:
 * the operator chose them, and receivers inside the cluster are the rule. Nobody else can name one.
 */
export function urlFault(text: string): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return 'must be an absolute https address';
  const url = new URL(text);
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return 'must be https; http is for loopback alone';
  // Some fetchers and proxies read what stands before the @ as the host.
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(text))
    return 'must hold no user name or password';
  if (text.includes('#')) return 'must have no fragment';
  return undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}
