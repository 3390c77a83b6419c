import { writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeAuthority } from '../../../src/sandbox/certificate_authority.ts';
import { authority, SUBJECT, startVaultWithCertificates } from '../../typescript/test/start_vault_with_certificates.ts';
import { preparePython } from './python_environment.ts';
import { startPythonProgram } from './python_program.ts';

const python = await preparePython('requirements.txt');

describe.skipIf(python === undefined).each(['threads', 'tasks'])('the Python client with %s', (kind) => {
  async function start() {
    const { address, inFolder, write } = await startVaultWithCertificates();
    const tls = {
      ca_file: inFolder('ca.pem'),
      certificate_file: inFolder('client.crt'),
      key_file: inFolder('client.key'),
    };
    const program = startPythonProgram(python ?? '', 'client_program.py', { kind, address, tls });
    onTestFinished(() => program.close());
    const request = { connection: 'tenants/acme/connections/nobody', scopes: [], rounds: 1, parallel: 1 };
    return { inFolder, write, reasons: () => program.ask({ now: Date.now(), ...request }) };
  }

  test('a client certificate authenticates, and a renewed one is used without a restart', async () => {
    const { inFolder, write, reasons } = await start();
    write(makeAuthority('another').issue({ names: [{ uri: SUBJECT }] }));
    expect(await reasons()).not.toEqual(['TENANT_NOT_FOUND']);
    // The caller is known, so the vault says that the connection is not.
    write(authority.issue({ names: [{ uri: SUBJECT }] }));
    expect(await reasons()).toEqual(['TENANT_NOT_FOUND']);
    // While files are replaced, the channel in use stays.
    writeFileSync(inFolder('client.key'), 'half a key');
    expect(await reasons()).toEqual(['TENANT_NOT_FOUND']);
    write(authority.issue({ names: [{ uri: 'spiffe://acme.example/ns/mail/sa/other' }] }));
    expect(await reasons()).toEqual(['UNAUTHENTICATED']);
  });

  test('files that cannot be used are an error of their own', async () => {
    const { write, reasons } = await start();
    write({ chain: 'canary', key: 'canary', pem: '' });
    expect(await reasons()).toEqual(['CREDENTIAL_FILE_UNREADABLE']);
  });
});
