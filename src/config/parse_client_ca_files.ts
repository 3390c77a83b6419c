import { type ClientCaFile, DNS_NAMESPACE } from '../model/client_trust.ts';
import { isTrustDomain } from '../model/spiffe_id.ts';

const EXAMPLE = 'such as spiffe://acme.example=/run/spire/bundle.pem,dns=/etc/pki/clients.pem';

/** `TOKENVAULT_TLS_CLIENT_CA_FILE`: comma-separated entries; each states the names that the CAs of its file may sign. */
export function readClientCaFiles(text: string): readonly ClientCaFile[] | { readonly fault: string } {
  const files: ClientCaFile[] = [];
  for (const part of text.split(',')) {
    const [, namespace = '', file = ''] = /^([^=]*)=(.+)$/s.exec(part.trim()) ?? [];
    if (!isNamespace(namespace))
      return {
        fault: `each entry must state which names its CAs may sign: spiffe://TRUST_DOMAIN=FILE or dns=FILE; ${EXAMPLE}`,
      };
    if (files.some((other) => other.namespace === namespace))
      return { fault: `${namespace} occurs twice; put all its CA certificates into one file` };
    files.push({ namespace, file });
  }
  return files;
}

function isNamespace(text: string): boolean {
  return text === DNS_NAMESPACE || (text.startsWith('spiffe://') && isTrustDomain(text.slice('spiffe://'.length)));
}
