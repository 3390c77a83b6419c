import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSinksFile } from '../../src/config/sinks_file.ts';
import { VaultError } from '../../src/model/errors.ts';
import { SECRET } from '../event_delivery/delivery_setup.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

function write(yaml: string, secret: string | undefined = SECRET, mode = 0o400): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'sinks.yaml'), yaml);
  writeFileSync(join(folder, 'pager.secret'), secret);
  chmodSync(join(folder, 'pager.secret'), mode);
  return join(folder, 'sinks.yaml');
}

function refusal(path: string): string {
  try {
    readSinksFile(path);
  } catch (error) {
    if (error instanceof VaultError && error.reason === 'FIELD_INVALID') return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

const one = (fields: string) => `sinks: [{ id: pager, secret_file: pager.secret, ${fields} }]`;

test('names who is told, with what is usual left out', () => {
  const { sinks, warnings } = readSinksFile(write(one('url: "https://events.example/hook?x=1"'), `${SECRET}\n`));
  expect(warnings).toEqual([]);
  expect(sinks).toEqual([
    {
      id: 'pager',
      url: 'https://events.example/hook?x=1',
      secrets: [expect.anything()],
      types: [
        'connection.idle_expiring',
        'credential.expiring',
        'credential.expired',
        'credential.rejected',
        'credential.expiry_mismatch',
        'credential.unknown',
        'credential.rotating',
        'credential.rotation_failed',
        'app.state_changed',
        'vault.credential_expiring',
        'vault.root_key_rotation_due',
      ],
      tenants: ['*'],
      minSeverity: 'INFO',
    },
  ]);
  expect(sinks[0]?.secrets[0]?.reveal()).toBe(SECRET);
});

test('takes what is given, and several secrets in their order', () => {
  const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const yaml = one(
    'url: http://127.0.0.1:9/, types: [credential., connection.changed], tenants: [acme], min_severity: CRITICAL',
  );
  const { sinks } = readSinksFile(write(yaml, `${other}\n\n  ${SECRET}\r\n`));
  expect(sinks[0]).toMatchObject({
    types: ['credential.', 'connection.changed'],
    tenants: ['acme'],
    minSeverity: 'CRITICAL',
  });
  expect(sinks[0]?.secrets.map((secret) => secret.reveal())).toEqual([other, SECRET]);
});

test('tells all faults at once, each by its place', () => {
  const message = refusal(
    write(`sinks:
  - { id: Pager, url: "http://events.example", secret_file: pager.secret, types: [credentials.] }
  - { id: mail, url: "https://events.example", tenants: [], min_severity: HIGH, retries: 3 }
  - { id: chat, url: "https://events.example", secret_file: gone }
others: {}
`),
  );
  for (const fault of [
    'sinks[0].id must be small letters',
    'sinks[0].url must be https',
    'sinks[0].types[0] must be a type of event',
    'sinks[1].secret_file must be given',
    'sinks[2].secret_file names a file that cannot be read',
    'sinks[1].tenants must name a tenant',
    'sinks[1].min_severity must be INFO, WARNING or CRITICAL',
    'sinks[1] has unknown fields: retries',
    'the file has unknown fields: others',
  ])
    expect(message).toContain(fault);
});

test('refuses ids that stand there twice', () => {
  const sink = '{ id: pager, url: "https://events.example", secret_file: pager.secret }';
  expect(refusal(write(`sinks: [${sink}, ${sink}]`))).toContain('sink id pager stands there twice');
});

test.each([
  'http://events.example/',
  'ftp://events.example/',
  '/events',
  'https:events.example',
  'https://ada@events.example/',
  'https://:pass@events.example/',
  'https://@events.example/',
  'https://events.example/#part',
  'https://events.example/#',
  'http://127.0.0.1.example/',
  'http://0.0.0.0/',
  'http://[::]/',
  'https://',
  '',
])('refuses the address %s, without repeating it', (url) => {
  const message = refusal(write(one(`url: "${url}"`)));
  expect(message).toContain('sinks[0].url must');
  expect(message).not.toContain('events.example');
});

test.each([
  'https://10.0.0.7:8443/hook',
  'https://receiver.internal/',
  'http://localhost:9000/',
  'http://127.9.9.9/',
  'http://[::1]:80/x',
])('takes the address %s', (url) => expect(readSinksFile(write(one(`url: "${url}"`))).sinks[0]?.url).toBe(url));

describe('a secret file', () => {
  const url = 'url: "https://events.example"';
  const bytes = (count: number) => `whsec_${Buffer.alloc(count, 'canary').toString('base64')}`;

  test.each([
    ['nothing', '\n\n', 'one secret a line'],
    ['no prefix', bytes(32).slice('whsec_'.length), 'Secret 1 does not begin with "whsec_"'],
    ['quotes', `"${bytes(32)}"`, 'Secret 1 is in quotes; remove them'],
    ['the prefix of a version', `v1,${bytes(32)}`, 'Secret 1 begins with "v1,"'],
    ['64 hex digits', `whsec_${'0123456789abcdef'.repeat(4)}`, 'Secret 1 holds hex digits'],
    ['64 large hex digits', `whsec_${'0123456789ABCDEF'.repeat(4)}`, 'Secret 1 holds hex digits'],
    ['too few bytes', bytes(23), 'Secret 1 has 23 bytes'],
    ['too many bytes', bytes(65), 'Secret 1 has 65 bytes'],
    ['base64url', `whsec_${'-_'.repeat(20)}`, 'Secret 1 is base64url'],
    ['a space inside', bytes(32).replace('Y2', 'Y2 '), 'Secret 1 holds a character'],
    ['padding that is missing', bytes(32).replace('=', ''), 'Secret 1 is cut off, or lacks "="'],
    ['one that is none among others', `${SECRET}\ncanary`, 'Secret 2 does not begin'],
    ['too many', `${SECRET}\n`.repeat(5), 'at most 4'],
    ['a novel', `${SECRET}\n`.repeat(500), 'a file of at most'],
  ])('may not hold %s; what it holds is not repeated', (_, content, wrong) => {
    const message = refusal(write(one(url), content));
    expect(message).toContain('sinks[0].secret_file must');
    expect(message).toContain(wrong);
    expect(message).not.toMatch(/canary|Y2FuYXJ5/);
  });

  test.each([24, 64])('may hold %s bytes', (count) => {
    expect(readSinksFile(write(one(url), bytes(count))).sinks[0]?.secrets).toHaveLength(1);
  });

  test.each([
    [0o400, 0],
    [0o600, 0],
    [0o640, 1],
    [0o444, 1],
  ])('of mode %o brings %s warnings', (mode, count) => {
    expect(readSinksFile(write(one(url), SECRET, mode)).warnings).toHaveLength(count);
  });

  test('that is a pipe does not hold up the start', () => {
    const path = write('sinks: [{ id: pager, url: "https://events.example", secret_file: pipe }]');
    execFileSync('mkfifo', [join(path, '../pipe')]);
    expect(refusal(path)).toContain('must name a file');
  });
});

test.each([
  ['broken YAML', 'sinks: [canary'],
  ['a key twice', 'sinks: []\nsinks: []'],
  ['nobody', 'sinks: []'],
  ['nothing', ''],
  ['aliases', 'sinks: &a [*a]'],
])('refuses a file with %s, and quotes none of it', (_, yaml) => {
  const path = write(yaml);
  expect(refusal(path).replace(path, '')).not.toContain('canary');
});

test('refuses a file that is not there', () => {
  expect(refusal('/nowhere/sinks.yaml')).toContain('cannot be read');
});
