import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readOnce } from '../../src/config/settled_file_reload.ts';
import { sinksFile } from '../../src/config/sinks_file.ts';
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

const read = (path: string) => readOnce(sinksFile(path));

async function faultOf(path: string): Promise<string> {
  try {
    await read(path);
  } catch (error) {
    if (error instanceof VaultError && error.reason === 'FIELD_INVALID') return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

const one = (fields: string) => `sinks: [{ id: pager, secret_file: pager.secret, ${fields} }]`;

test('reads sinks, with defaults for omitted fields', async () => {
  const { sinks, warnings } = await read(write(one('url: "https://events.example/hook?x=1"'), `${SECRET}\n`));
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

test('reads all fields, and several secrets in order', async () => {
  const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const yaml = one(
    'url: http://127.0.0.1:9/, types: [credential., connection.changed], tenants: [acme], min_severity: CRITICAL',
  );
  const { sinks } = await read(write(yaml, `${other}\n\n  ${SECRET}\r\n`));
  expect(sinks[0]).toMatchObject({
    types: ['credential.', 'connection.changed'],
    tenants: ['acme'],
    minSeverity: 'CRITICAL',
  });
  expect(sinks[0]?.secrets.map((secret) => secret.reveal())).toEqual([other, SECRET]);
});

test('reports all faults at once, each by its path', async () => {
  const message = await faultOf(
    write(`sinks:
  - { id: Pager, url: "http://events.example", secret_file: pager.secret, types: [credentials.] }
  - { id: mail, url: "https://events.example", tenants: [], min_severity: HIGH, retries: 3 }
  - { id: chat, url: "https://events.example", secret_file: gone }
others: {}
`),
  );
  for (const fault of [
    'sinks[0].id must be at most 63 lower-case letters',
    'sinks[0].url must be https',
    'sinks[0].types[0] must be an event type',
    'sinks[1].secret_file must be given',
    'sinks[2].secret_file must name a file that the vault can read',
    'sinks[1].tenants must name a tenant',
    'sinks[1].min_severity must be INFO, WARNING or CRITICAL',
    'sinks[1] has unknown fields: retries',
    'the file has unknown fields: others',
  ])
    expect(message).toContain(fault);
});

test('rejects duplicate ids', async () => {
  const sink = '{ id: pager, url: "https://events.example", secret_file: pager.secret }';
  expect(await faultOf(write(`sinks: [${sink}, ${sink}]`))).toContain('sink id pager occurs twice');
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
])('rejects the URL %s without quoting it', async (url) => {
  const message = await faultOf(write(one(`url: "${url}"`)));
  expect(message).toContain('sinks[0].url must');
  expect(message).not.toContain('events.example');
});

test.each([
  'https://10.0.0.7:8443/hook',
  'https://receiver.internal/',
  'http://localhost:9000/',
  'http://127.9.9.9/',
  'http://[::1]:80/x',
])('accepts the URL %s', async (url) => expect((await read(write(one(`url: "${url}"`)))).sinks[0]?.url).toBe(url));

describe('a secret file', () => {
  const url = 'url: "https://events.example"';
  const bytes = (count: number) => `whsec_${Buffer.alloc(count, 'canary').toString('base64')}`;

  test.each([
    ['no secret', '\n\n', '1 to 4 lines'],
    ['no prefix', bytes(32).slice('whsec_'.length), 'Line 1 does not begin with "whsec_"'],
    ['quotes', `"${bytes(32)}"`, 'Line 1 is in quotes; remove them'],
    ['the prefix of a version', `v1,${bytes(32)}`, 'Line 1 begins with "v1,"'],
    ['64 hex digits', `whsec_${'0123456789abcdef'.repeat(4)}`, 'Line 1 has hex digits'],
    ['64 large hex digits', `whsec_${'0123456789ABCDEF'.repeat(4)}`, 'Line 1 has hex digits'],
    ['too few bytes', bytes(23), 'Line 1 has 23 bytes'],
    ['too many bytes', bytes(65), 'Line 1 has 65 bytes'],
    ['base64url', `whsec_${'-_'.repeat(20)}`, 'Line 1 is base64url'],
    ['a space inside', bytes(32).replace('Y2', 'Y2 '), 'Line 1 has a character'],
    ['missing padding', bytes(32).replace('=', ''), 'Line 1 is cut off, or lacks "="'],
    ['an invalid line among valid ones', `${SECRET}\ncanary`, 'Line 2 does not begin'],
    ['too many', `${SECRET}\n`.repeat(5), '1 to 4 lines'],
    ['too much text', `${SECRET}\n`.repeat(500), 'a file of at most'],
  ])('with %s is rejected, and never quoted', async (_, content, wrong) => {
    const message = await faultOf(write(one(url), content));
    expect(message).toContain('sinks[0].secret_file must');
    expect(message).toContain(wrong);
    expect(message).not.toMatch(/canary|Y2FuYXJ5/);
  });

  test.each([24, 64])('with %s bytes is accepted', async (count) => {
    expect((await read(write(one(url), bytes(count)))).sinks[0]?.secrets).toHaveLength(1);
  });

  test.each([
    [0o400, 0],
    [0o600, 0],
    [0o640, 1],
    [0o444, 1],
  ])('with mode %o causes %s warnings', async (mode, count) => {
    expect((await read(write(one(url), SECRET, mode))).warnings).toHaveLength(count);
  });

  test('that is a pipe does not block the start', async () => {
    const path = write('sinks: [{ id: pager, url: "https://events.example", secret_file: pipe }]');
    execFileSync('mkfifo', [join(path, '../pipe')]);
    expect(await faultOf(path)).toContain('must name a file');
  });
});

test.each([
  ['broken YAML', 'sinks: [canary'],
  ['a duplicate key', 'sinks: []\nsinks: []'],
  ['no sinks', 'sinks: []'],
  ['no content', ''],
  ['aliases', 'sinks: &a [*a]'],
])('rejects a file with %s without quoting it', async (_, yaml) => {
  const path = write(yaml);
  expect((await faultOf(path)).replace(path, '')).not.toContain('canary');
});

test('rejects a missing file', async () => {
  expect(await faultOf('/nowhere/sinks.yaml')).toContain('Cannot read the sinks file');
});
