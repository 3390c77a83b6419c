import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import { onTestFinished } from 'vitest';
import { newApiKey } from '../../../src/model/api_key.ts';
import { type Issued, makeAuthority } from '../../../src/sandbox/certificate_authority.ts';
import { callersFile } from '../../../test/scenarios/callers_file.ts';
import { startScenario } from '../../../test/scenarios/start_scenario.ts';

export const SUBJECT = 'spiffe://acme.example/ns/mail/sa/sync';
/** In the certificate of the vault, and in no DNS. */
export const VAULT_NAME = 'vault.example.test';
const vaults = makeAuthority('vaults');
export const authority = makeAuthority('callers');

/** A vault with TLS whose only caller has a certificate of the authority; its files are in the folder. */
export async function startVaultWithCertificates() {
  let folder = '';
  const inFolder = (name: string) => join(folder, name);
  const environment = { PUBLIC_URL: 'https://127.0.0.1:8443' };
  const files = { CALLERS_FILE: 'callers.yaml', TLS_CERT_FILE: 'tls.crt', TLS_KEY_FILE: 'tls.key' };
  for (const [name, file] of Object.entries(files))
    Object.defineProperty(environment, name, { enumerable: true, get: () => inFolder(file) });
  Object.defineProperty(environment, 'TLS_CLIENT_CA_FILE', {
    enumerable: true,
    get: () => `spiffe://acme.example=${inFolder('cas.pem')}`,
  });
  const scenario = await startScenario({
    environment,
    prepare(made) {
      folder = made;
      const server = vaults.issue({ names: [{ ip: '127.0.0.1' }, { dns: VAULT_NAME }], purposes: [id_kp_serverAuth] });
      writeFileSync(inFolder('tls.crt'), server.pem);
      writeFileSync(inFolder('tls.key'), server.key);
      writeFileSync(inFolder('ca.pem'), vaults.pem);
      writeFileSync(inFolder('cas.pem'), authority.pem);
      const certificates = [{ id: 'pod', spiffe_id: SUBJECT }];
      const rules = [{ role: 'token_reader', tenants: ['acme'] }];
      const operator = { id: 'operator', ...newApiKey('operator'), rules: [{ role: 'operator', tenants: ['*'] }] };
      writeFileSync(inFolder('callers.yaml'), callersFile(operator, { id: 'reader', certificates, rules }));
    },
  });
  onTestFinished(() => scenario.close());
  const write = ({ chain, key }: Issued) => {
    writeFileSync(inFolder('client.crt'), chain);
    writeFileSync(inFolder('client.key'), key);
  };
  return { address: scenario.vault.addresses.grpc, inFolder, write };
}
