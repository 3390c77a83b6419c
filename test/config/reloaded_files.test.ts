import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { catalogFiles } from '../../src/config/catalog_files.ts';
import { eventGridKeyFile } from '../../src/config/event_grid_key_file.ts';
import {
  type Content,
  type FileReload,
  type SettledFile,
  startFileReload,
} from '../../src/config/settled_file_reload.ts';
import { sinksFile } from '../../src/config/sinks_file.ts';
import { fieldInvalid } from '../../src/model/errors.ts';
import { SECRET } from '../event_delivery/delivery_setup.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

let folder: string;
let loads: string[];
let rejected: string[];
beforeEach(() => {
  folder = temporaryFolder();
  loads = [];
  rejected = [];
});

const path = (name: string) => join(folder, name);
const write = (name: string, text: string, mode = 0o600) => writeFileSync(path(name), text, { mode });

async function follow<Value, Version extends Content>(file: SettledFile<Value, Version>): Promise<FileReload<Value>> {
  const reload = await startFileReload(file, {
    every: () => () => {},
    onLoaded: (_, sha256) => loads.push(sha256),
    onRejected: (fault) => rejected.push(fault),
  });
  onTestFinished(() => reload.close());
  return reload;
}

/** Two readings. */
async function settle(reload: FileReload<unknown>): Promise<void> {
  await reload.check();
  await reload.check();
}

describe('the sinks file', () => {
  const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const yaml = (...ids: readonly string[]) =>
    `sinks:\n${ids.map((id) => `  - { id: ${id}, url: "https://events.example", secret_file: ${id}.secret }\n`).join('')}`;

  async function start() {
    write('sinks.yaml', yaml('pager'));
    write('pager.secret', SECRET);
    const reload = await follow(sinksFile(path('sinks.yaml')));
    const secrets = () => reload.current.sinks.map((sink) => sink.secrets.map((secret) => secret.reveal()));
    return { reload, secrets };
  }

  test('is used again when it changes, and stays the same object otherwise', async () => {
    const { reload } = await start();
    const before = reload.current;
    await settle(reload);
    expect(reload.current).toBe(before);

    write('mail.secret', SECRET);
    write('sinks.yaml', yaml('pager', 'mail'));
    await settle(reload);

    expect(reload.current.sinks.map(({ id }) => id)).toEqual(['pager', 'mail']);
    expect(new Set(loads).size).toBe(2);
  });

  test('is used again when a secret file that it names changes', async () => {
    const { reload, secrets } = await start();
    write('pager.secret', `${OTHER}\n${SECRET}`);
    await settle(reload);
    expect(secrets()).toEqual([[OTHER, SECRET]]);
  });

  test('is used again when a symbolic link to a secret changes, as in a Kubernetes volume', async () => {
    for (const [name, secret] of [
      ['one', SECRET],
      ['two', OTHER],
    ] as const) {
      mkdirSync(path(name));
      write(`${name}/pager.secret`, secret);
    }
    symlinkSync('one', path('data'));
    symlinkSync('data/pager.secret', path('pager.secret'));
    write('sinks.yaml', yaml('pager'));
    const reload = await follow(sinksFile(path('sinks.yaml')));

    symlinkSync('two', path('next'));
    renameSync(path('next'), path('data'));
    await settle(reload);

    expect(reload.current.sinks[0]?.secrets.map((secret) => secret.reveal())).toEqual([OTHER]);
  });

  test.each([
    ['a secret file that is gone', () => rmSync(path('pager.secret')), 'sinks[0].secret_file must name a file'],
    ['a secret that is cut off', () => write('pager.secret', SECRET.slice(0, 20)), 'sinks[0].secret_file must have'],
    [
      'a sink without a secret file',
      () => write('sinks.yaml', yaml('pager', 'mail')),
      'sinks[1].secret_file must name',
    ],
    ['YAML that is broken', () => write('sinks.yaml', 'sinks: ['), 'is not valid YAML'],
    ['no file', () => rmSync(path('sinks.yaml')), 'Cannot read the sinks file'],
  ])('with %s is rejected once, and the earlier one stays in use', async (_, break_, fault) => {
    const { reload, secrets } = await start();
    break_();
    await settle(reload);
    await settle(reload);

    expect(rejected).toEqual([expect.stringContaining(fault)]);
    expect(reload.fault).toContain(fault);
    expect(secrets()).toEqual([[SECRET]]);

    write('sinks.yaml', yaml('pager'));
    write('pager.secret', SECRET);
    await settle(reload);
    expect([reload.fault, loads.length]).toEqual([undefined, 1]);
  });
});

test('the keys of Event Grid are used again when their file changes, and never quoted', async () => {
  const [one, two] = ['canary-key-0123456789', 'another-key-0123456789'];
  write('grid.key', one);
  const reload = await follow(eventGridKeyFile(path('grid.key')));
  const keys = () => reload.current.keys.map((key) => key.reveal());
  write('grid.key', `${one}\n${two}`);
  await settle(reload);
  expect(keys()).toEqual([one, two]);

  write('grid.key', `${one} canary`);
  await settle(reload);
  expect(keys()).toEqual([one, two]);
  expect(rejected).toEqual([expect.stringContaining('Line 1 is not a valid key')]);
  expect(rejected.join()).not.toContain('canary');
});

describe('a folder of catalogs', () => {
  const texts = () => follow(catalogFiles(folder, async (files) => files.map(({ text }) => text)));

  test('is used again when a file is added, changed or removed, and other files do not count', async () => {
    write('crm.yaml', 'crm');
    const reload = await texts();
    write('notes.txt', 'no catalog');
    await settle(reload);
    expect(loads).toHaveLength(1);

    write('a.yaml', 'a');
    await settle(reload);
    expect(reload.current).toEqual(['a', 'crm']);
    write('crm.yaml', 'crm 2');
    await settle(reload);
    expect(reload.current).toEqual(['a', 'crm 2']);
    rmSync(path('a.yaml'));
    await settle(reload);
    expect(reload.current).toEqual(['crm 2']);
  });

  test('of two replicas has the same hash in different places', async () => {
    const hashes: (string | undefined)[] = [];
    for (const name of ['one', 'two']) {
      mkdirSync(path(name));
      write(`${name}/crm.yaml`, 'crm');
      await follow(catalogFiles(path(name), async (files) => files));
      hashes.push(loads.at(-1));
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  test('that is gone, or has a file that cannot be read, is rejected', async () => {
    mkdirSync(path('catalogs'));
    write('catalogs/crm.yaml', 'crm');
    const reload = await follow(catalogFiles(path('catalogs'), async (files) => files));
    mkdirSync(path('catalogs/folder.yaml'));
    await settle(reload);
    renameSync(path('catalogs'), path('away'));
    await settle(reload);

    expect(rejected).toEqual([
      expect.stringContaining('must be a regular file'),
      expect.stringContaining('cannot read the directory'),
    ]);
    expect(reload.current.map(({ text }) => text)).toEqual(['crm']);
  });
});

describe('content that depends on something else', () => {
  let isKnown: boolean;
  beforeEach(() => {
    isKnown = true;
  });
  const file = (): SettledFile<string> => ({
    ...textFile(),
    parse({ text }) {
      if (text === 'crm' && !isKnown) throw fieldInvalid('scope', 'is unknown');
      return text;
    },
  });

  function textFile(): SettledFile<string> {
    const { read } = eventGridKeyFile(path('text'));
    return { path: path('text'), what: 'text file', read, parse: ({ text }) => text };
  }

  test('and was rejected is used once it is valid, without a change of the file', async () => {
    write('text', 'mail');
    const reload = await follow(file());
    isKnown = false;
    write('text', 'crm');
    await settle(reload);
    expect([reload.current, rejected.length]).toEqual(['mail', 1]);

    isKnown = true;
    reload.parseAgain();
    await reload.check();

    expect([reload.current, reload.fault]).toEqual(['crm', undefined]);
  });

  test('and changes while it is parsed is parsed once more', async () => {
    write('text', 'mail');
    const [begun, parsed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const reload = await follow({
      ...textFile(),
      async parse({ text }) {
        const wasKnown = isKnown;
        if (text === 'crm') begun.resolve();
        if (text === 'crm' && wasKnown) await parsed.promise;
        if (text === 'crm' && !wasKnown) throw fieldInvalid('scope', 'is unknown');
        return text;
      },
    });
    write('text', 'crm');
    await reload.check();
    const check = reload.check();
    await begun.promise;
    isKnown = false;
    reload.parseAgain();
    parsed.resolve();
    await check;
    expect(reload.fault).toBeUndefined();

    await reload.check();
    expect(reload.fault).toBe('scope: is unknown');
  });

  test('and is in use is reported when it is not valid any more, and stays in use', async () => {
    write('text', 'crm');
    const reload = await follow(file());
    isKnown = false;
    reload.parseAgain();
    await settle(reload);
    expect([reload.current, reload.fault, rejected.length]).toEqual(['crm', 'scope: is unknown', 1]);

    isKnown = true;
    reload.parseAgain();
    await settle(reload);
    expect([reload.fault, loads.length]).toEqual([undefined, 1]);
  });
});

test('a group may write the sinks file', async () => {
  write('pager.secret', SECRET);
  write('sinks.yaml', 'sinks: [{ id: pager, url: "https://events.example", secret_file: pager.secret }]');
  chmodSync(path('sinks.yaml'), 0o664);
  expect((await follow(sinksFile(path('sinks.yaml')))).current.sinks).toHaveLength(1);
});
