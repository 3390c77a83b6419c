import { isLoopbackHost } from '../model/listen_address.ts';

/** Why the vault must not send to a URL of a file. Private addresses are valid, because the operator configures them. */
export function outgoingUrlFault(text: string): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return 'must be an absolute https URL';
  const { protocol, hostname, username, password } = new URL(text);
  if (protocol === 'http:' && !isLoopbackHost(hostname)) return 'must be https; http is allowed on loopback only';
  // Some fetchers and proxies read the text before the @ as the host.
  if (username !== '' || password !== '' || /^https?:\/\/[^/?#]*@/i.test(text))
    return 'must have no user name or password';
  if (text.includes('#')) return 'must have no fragment';
  return undefined;
}
