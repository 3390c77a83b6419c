import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { checkClientCas, checkTls } from '../../src/cli/config_check/tls_check.ts';
import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { DAY } from '../../src/model/clock.ts';
import { makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { openSqliteReadonly } from '../../src/store/sqlite/open_sqlite_readonly.ts';
import { makeCertificate } from '../event_delivery/certificates.ts';
import { callersFileOf } from '../scenarios/callers_file.ts';
import { createSampleVault, runSql } from './sample_vault.ts';

test('a vault that would start has all checks ok, and nothing is changed', async () => {
  const vault = await createSampleVault();
  const before = readFileSync(vault.database);
  const files = readdirSync(vault.folder, { recursive: true }).sort();

  const { code, stdout } = await vault.run(['config', 'check']);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^database +ok +readable, with the schema of this version$/m);
  expect(stdout).toMatch(/^root key +ok +[0-9a-f]{32} opens the database$/m);
  expect(stdout).toContain('The vault would start.');
  expect(readFileSync(vault.database).equals(before)).toBe(true);
  expect(readdirSync(vault.folder, { recursive: true }).sort()).toEqual(files);
});

test('before the first start, nothing is created', async () => {
  const vault = await createSampleVault();
  const fresh = { TOKENVAULT_DATABASE_URL: 'sqlite:new/vault.db', TOKENVAULT_KEY_SOURCE: 'file:new/kek' };

  const { code, stdout } = await vault.run(['config', 'check'], fresh);

  expect(code).toBe(0);
  expect(stdout.match(/the first start creates it/g)).toHaveLength(3);
  expect(readdirSync(vault.folder).sort()).toEqual(['data', 'keys']);
});

test('an invalid configuration ends with 78, and lists all its faults', async () => {
  const vault = await createSampleVault();

  const { code, stdout } = await vault.run(['config', 'check'], { TOKENVAULT_FOO: '1', TOKENVAULT_LOG_LEVEL: 'loud' });

  expect(code).toBe(78);
  expect(stdout).toContain('TOKENVAULT_FOO: is not a variable');
  expect(stdout).toContain('TOKENVAULT_LOG_LEVEL: must be');
});

test('the root key of another database ends with 65', async () => {
  const [vault, other] = [await createSampleVault(), await createSampleVault()];

  const { code, stdout } = await vault.run(['config', 'check'], {
    TOKENVAULT_KEY_SOURCE: `file:${other.path('keys/kek')}`,
  });

  expect(code).toBe(65);
  expect(stdout).toMatch(/^database +ok/m);
  expect(stdout).toMatch(/^root key +failed +.*is wrapped under the root key/m);
  expect(stdout).toContain('The vault would not start.');
});

test('a key file that others may read ends with 69', async () => {
  const vault = await createSampleVault();
  chmodSync(vault.path('keys/kek'), 0o444);

  const { code, stdout } = await vault.run(['config', 'check']);

  expect(code).toBe(69);
  expect(stdout).toMatch(/^root key +failed +.*Run: chmod 0400/m);
});

test('a schema that this version does not migrate ends with 65', async () => {
  const vault = await createSampleVault();
  runSql(
    vault.database,
    'DELETE FROM migrations WHERE created_at NOT IN (SELECT created_at FROM migrations ORDER BY created_at LIMIT 6)',
  );

  const { code, stdout } = await vault.run(['config', 'check']);

  expect(code).toBe(65);
  expect(stdout).toMatch(/^database +failed +/m);
});

test('missing migrations are counted, and not applied', async () => {
  const { database, path } = await createSampleVault();
  const migrations = readMigrations('sqlite');
  const newer = { time: 1, hash: '', statements: ['CREATE TABLE newer (id TEXT)'] };

  for (let round = 0; round < 2; round++) {
    const opened = openSqliteReadonly(database, [...migrations, newer]);
    expect(opened?.missingMigrations).toBe(1);
    await opened?.database.close();
  }
  expect(openSqliteReadonly(path('other.db'), migrations)).toBeUndefined();
});

test('files of a token issuer that cannot be read are named, and the vault would start', async () => {
  const vault = await createSampleVault();
  const issuer = { id: 'spire', kind: 'spiffe', trust_domain: 'example.org', audiences: ['x'], algorithms: ['ES256'] };
  const issuers = [{ ...issuer, jwks: { file: '/missing/jwks.json' } }];
  writeFileSync(vault.path('callers.yaml'), callersFileOf({ issuers, callers: [] }), { mode: 0o600 });

  const { code, stdout } = await vault.run(['config', 'check'], { TOKENVAULT_CALLERS_FILE: 'callers.yaml' });

  expect(code).toBe(0);
  expect(stdout).toContain('the issuer spire needs /missing/jwks.json, which cannot be read');
});

test('callers file, sinks file, catalogs and TLS files are read', async () => {
  const vault = await createSampleVault();
  writeFileSync(vault.path('callers.yaml'), 'callers: []');
  writeFileSync(vault.path('sinks.yaml'), 'sinks: 1');
  const { cert, key } = makeCertificate('DNS:vault.example.com');
  writeFileSync(vault.path('tls.crt'), cert);
  writeFileSync(vault.path('tls.key'), key);

  const { code, stdout } = await vault.run(['config', 'check'], {
    TOKENVAULT_CALLERS_FILE: 'callers.yaml',
    TOKENVAULT_SINKS_FILE: 'sinks.yaml',
    TOKENVAULT_CATALOGS_DIR: 'missing',
    TOKENVAULT_TLS_CERT_FILE: 'tls.crt',
    TOKENVAULT_TLS_KEY_FILE: 'tls.key',
    TOKENVAULT_PUBLIC_URL: 'https://vault.example.com',
  });

  expect(code).toBe(78);
  expect(stdout).toMatch(/^callers file +failed +.*callers\.yaml/m);
  expect(stdout).toMatch(/^sinks file +failed +.*sinks\.yaml/m);
  expect(stdout).toMatch(/^catalogs +failed +.*missing/m);
  expect(stdout).toMatch(/^TLS files +ok +the certificate is valid until 20/m);
});

test('CAs of client certificates are listed, and a file without a valid CA ends with 78', async () => {
  const vault = await createSampleVault();
  const valid = makeAuthority('valid');
  const expired = makeAuthority('expired', { from: 0, until: Date.now() - DAY });
  const tls = { certFile: '', keyFile: '', clientCaFiles: [{ namespace: 'dns', file: vault.path('cas.pem') }] };
  const check = (text: string) => {
    writeFileSync(vault.path('cas.pem'), text);
    return checkClientCas({ ...readConfig({}), tls });
  };

  expect(await check(valid.pem)).toBe('dns: 1 CAs');
  expect(await check(valid.pem + expired.pem)).toContain('one of them expired at');
  await expect(check(expired.pem)).rejects.toMatchObject({ exitCode: 78 });
  await expect(check('hello')).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
});

test('an expired certificate ends with 78', async () => {
  const vault = await createSampleVault();
  const { cert, key } = makeCertificate('DNS:vault.example.com');
  writeFileSync(vault.path('tls.crt'), cert);
  writeFileSync(vault.path('tls.key'), key);
  const tls = { certFile: vault.path('tls.crt'), keyFile: vault.path('tls.key'), clientCaFiles: [] };
  const config = { ...readConfig({}), tls };
  expect(await checkTls(config)).toContain('is valid until');

  vi.setSystemTime(Date.now() + 3 * DAY);
  onTestFinished(() => void vi.useRealTimers());

  await expect(checkTls(config)).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining('tls.crt expired at'),
  });
});
