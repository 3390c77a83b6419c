import { writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ClientTrustReload, startClientTrustReload } from '../../src/config/client_trust_reload.ts';
import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { temporaryFiles } from '../cli/import_program.ts';

const one = makeAuthority('one');
const two = makeAuthority('two');
const NAMESPACE = 'spiffe://acme.example';

function configOf(value: string, others: Record<string, string> = { TOKENVAULT_CALLERS_FILE: 'callers.yaml' }) {
  return readConfig({
    TOKENVAULT_TLS_CERT_FILE: 'tls.crt',
    TOKENVAULT_TLS_KEY_FILE: 'tls.key',
    TOKENVAULT_PUBLIC_URL: 'https://vault.example.com',
    TOKENVAULT_TLS_CLIENT_CA_FILE: value,
    ...others,
  });
}

describe('TOKENVAULT_TLS_CLIENT_CA_FILE', () => {
  test('has a file for each trust domain, and one for DNS names', () => {
    expect(configOf('spiffe://acme.example=/run/acme.pem, dns=clients=1.pem').tls?.clientCaFiles).toEqual([
      { namespace: 'spiffe://acme.example', file: '/run/acme.pem' },
      { namespace: 'dns', file: 'clients=1.pem' },
    ]);
  });

  test.each([
    ['a file alone', '/run/ca.pem', 'which names its CAs may sign'],
    ['a trust domain in upper case', 'spiffe://Acme.example=/run/ca.pem', 'which names its CAs may sign'],
    ['a path in a trust domain', 'spiffe://acme.example/ns=/run/ca.pem', 'which names its CAs may sign'],
    ['no file', 'dns=', 'which names its CAs may sign'],
    ['a namespace twice', 'dns=/a,dns=/b', 'dns occurs twice'],
  ])('is refused with %s', (_, value, fault) => {
    expect(() => configOf(value)).toThrow(fault);
  });

  test('requires a callers file', () => {
    expect(() => configOf('dns=/a', {})).toThrow('TOKENVAULT_CALLERS_FILE');
  });
});

describe('the CAs of client certificates', () => {
  let faults: string[];

  async function start(...contents: readonly string[]): Promise<{ reload: ClientTrustReload; paths: string[] }> {
    faults = [];
    const files = temporaryFiles();
    const paths = contents.map((content, at) => files.write(`${at}.pem`, content));
    const namespaces = [NAMESPACE, 'dns'];
    const reload = await startClientTrustReload(
      paths.map((file, at) => ({ namespace: namespaces[at] ?? '', file })),
      { every: () => () => {}, onLoaded: () => {}, onRejected: (_, fault) => faults.push(fault) },
    );
    onTestFinished(() => reload.close());
    return { reload, paths };
  }

  function subjects({ current }: ClientTrustReload) {
    return Object.fromEntries([...current].map(([name, cas]) => [name, cas.map(({ subject }) => subject)]));
  }

  test('are those of each file, and are replaced when a file changes', async () => {
    const { reload, paths } = await start(`Comment\n${one.pem}${one.pem}`, two.pem);
    expect(subjects(reload)).toEqual({ [NAMESPACE]: ['CN=one'], dns: ['CN=two'] });
    let changes = 0;
    reload.listen(() => {
      changes += 1;
    });

    writeFileSync(paths[0] ?? '', two.pem + one.pem);
    await reload.check();
    expect(changes).toBe(0);
    await reload.check();

    expect(changes).toBe(1);
    expect(subjects(reload)).toEqual({ [NAMESPACE]: ['CN=two', 'CN=one'], dns: ['CN=two'] });
  });

  test('stay in use while their file is broken, which is reported once', async () => {
    const { reload, paths } = await start(one.pem);
    writeFileSync(paths[0] ?? '', two.pem.slice(0, -20));
    for (let count = 0; count < 4; count += 1) await reload.check();

    expect(subjects(reload)).toEqual({ [NAMESPACE]: ['CN=one'] });
    expect(faults).toEqual([expect.stringContaining('complete CA certificates')]);
    expect(reload.fault).toBe(faults[0]);

    writeFileSync(paths[0] ?? '', two.pem);
    for (let count = 0; count < 2; count += 1) await reload.check();
    expect(subjects(reload)).toEqual({ [NAMESPACE]: ['CN=two'] });
    expect(reload.fault).toBeUndefined();
  });

  test.each([
    ['no certificate', 'hello', 'complete CA certificates'],
    ['a certificate that is cut off', one.pem + two.pem.slice(0, 90), 'complete CA certificates'],
    ['a certificate that is no CA', one.pem + one.issue().pem, 'PEM block 2 is no CA certificate'],
    ['a private key', one.pem + one.key, 'PEM block 2 is no CA certificate'],
    ['other content', one.pem.replaceAll(/^[\w+/=]+$/gm, 'AAAA'), 'PEM block 1 is no CA certificate'],
    ['a CA without its root', one.issueAuthority('below').pem, 'is not a root'],
  ])('are refused at the start with %s, without its content', async (_, content, fault) => {
    await expect(start(content)).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      message: expect.stringContaining(fault),
    });
    await expect(start(content)).rejects.not.toMatchObject({ message: expect.stringContaining(one.key.slice(40, 60)) });
  });
});
