import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from '../event_delivery/certificates.ts';
import { serveProgram } from '../scenarios/vault_program.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';
import { environmentOf, settings, UNIT, unit } from './systemd_unit.ts';

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasAnalyze) {
  console.warn(
    'systemd-analyze is not installed (apt-get install systemd): the unit is read, but not checked with it.',
  );
}

function analyze(...words: string[]) {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe.skipIf(!hasAnalyze)('by systemd-analyze', () => {
  test('the unit is valid', () => {
    const path = join(temporaryFolder(), 'token-vault.service');
    writeFileSync(path, unit.replace('/usr/bin/node', process.execPath));
    expect(analyze('verify', path)).toEqual({ status: 0, output: '' });
  });

  test('the exposure of the unit is at most 1.5 of 10', () => {
    const { status, output } = analyze('security', '--offline=true', '--threshold=15', UNIT);
    expect(status, output).toBe(0);
  });
});

test('the service has a user of its own, and leaves no core dump', () => {
  expect(settings('DynamicUser')).toEqual(['yes']);
  expect(settings('LimitCORE')).toEqual(['0']);
});

// systemd gives credentials to root, with mode 0440.
test.runIf(process.getuid?.() === 0)('the vault starts with the credentials and settings of the unit', async () => {
  const folder = temporaryFolder();
  const [credentials, state] = [join(folder, 'credentials'), join(folder, 'state')];
  mkdirSync(credentials);
  mkdirSync(join(state, 'token-vault'), { recursive: true });
  const { key, cert } = makeCertificate('DNS:localhost');
  copyFileSync('deploy/kustomize/example/callers.yaml', join(credentials, 'callers.yaml'));
  writeFileSync(join(credentials, 'tls.key'), key);
  writeFileSync(join(credentials, 'tls.crt'), cert);
  // `LoadCredential=keys:/etc/token-vault/keys` names the file `kek` so.
  writeFileSync(join(credentials, 'keys_kek'), randomBytes(32));
  const names = readdirSync(credentials);
  for (const name of names) chmodSync(join(credentials, name), 0o440);
  chmodSync(credentials, 0o550);

  const loaded = settings('LoadCredential').map((setting) => setting.split(':')[0]);
  const own = { PUBLIC_URL: 'https://vault.example.com' };
  const others = { ...environmentOf({ credentials, state }), CREDENTIALS_DIRECTORY: credentials };
  const vault = await serveProgram(folder, own, others);

  const { status } = await fetch(`http://${vault.addresses.ops}/readyz`);
  expect(status).toBe(200);
  expect((await vault.stop()).code).toBe(0);
  // A vault that does not find its root key beside an empty database creates one.
  expect(readdirSync(credentials)).toEqual(names);
  expect(new Set(names.map((name) => name.replace(/_.*/, '')))).toEqual(new Set(loaded));
  expect(['vault.db', 'audit.jsonl'].filter((name) => !existsSync(join(state, 'token-vault', name)))).toEqual([]);
});
