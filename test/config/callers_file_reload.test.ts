import {
  appendFileSync,
  chmodSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { callersFile as settledCallersFile } from '../../src/config/callers_file.ts';
import { type FileReload, startFileReload } from '../../src/config/settled_file_reload.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import type { KnownCallers } from '../../src/model/authenticated_caller.ts';
import { temporaryFiles } from '../cli/import_program.ts';
import { callersFile } from '../scenarios/callers_file.ts';

const mail = { id: 'mail', ...newApiKey('mail'), rules: [{ role: 'token_reader', tenants: ['acme'] }] };
const ops = { id: 'ops', ...newApiKey('ops'), rules: [{ role: 'operator', tenants: ['*'] }] };

type CallersReload = FileReload<KnownCallers>;

let path: string;
let rejected: string[];
let loads: number;
let periods: number[];
beforeEach(() => {
  path = temporaryFiles().write('callers.yaml', callersFile(mail));
  rejected = [];
  loads = 0;
  periods = [];
});

async function start(): Promise<CallersReload> {
  const vocabulary = { methods: [], isScopeOrPermission: () => false };
  const reload = await startFileReload(settledCallersFile(path, vocabulary), {
    every(period) {
      periods.push(period);
      return () => {};
    },
    onLoaded: () => loads++,
    onRejected: (fault) => rejected.push(fault),
  });
  onTestFinished(() => reload.close());
  return reload;
}

function idsOf({ current }: CallersReload): string[] {
  return current.keys.map(({ caller }) => caller.id);
}

/** Two readings. */
async function settle(reload: CallersReload): Promise<void> {
  await reload.check();
  await reload.check();
}

describe('the callers file', () => {
  test('is read four times a second, and new content is used after two equal readings', async () => {
    const reload = await start();
    const changes: string[][] = [];
    reload.listen(() => changes.push(idsOf(reload)));

    writeFileSync(path, callersFile(mail, ops));
    await reload.check();
    expect(idsOf(reload)).toEqual(['mail', 'root']);
    await reload.check();

    expect(idsOf(reload)).toEqual(['mail', 'ops', 'root']);
    expect(changes).toEqual([['mail', 'ops', 'root']]);
    expect(reload.current.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(periods).toEqual([250]);
  });

  test('is used when another file takes its place, also by a symbolic link', async () => {
    const next = `${path}.next`;
    writeFileSync(next, callersFile(ops));
    const reload = await start();

    renameSync(next, path);
    await settle(reload);
    expect(idsOf(reload)).toEqual(['ops', 'root']);

    writeFileSync(next, callersFile(mail));
    rmSync(path);
    symlinkSync(next, path);
    await settle(reload);
    expect(idsOf(reload)).toEqual(['mail', 'root']);
    expect(rejected).toEqual([]);
  });

  test('is used when its size and time stay, because its content is compared', async () => {
    const time = new Date('2026-01-01T00:00:00Z');
    utimesSync(path, time, time);
    const reload = await start();

    writeFileSync(path, callersFile({ ...mail, id: 'post' }));
    utimesSync(path, time, time);
    await settle(reload);

    expect(idsOf(reload)[0]).toBe('post');
  });

  test('is not loaded again when only its time changes', async () => {
    const reload = await start();
    utimesSync(path, new Date(), new Date('2026-01-01T00:00:00Z'));
    await settle(reload);
    expect(loads).toBe(1);
  });

  test('keeps the old callers when it is cut off after any of its lines, and says so once', async () => {
    const text = callersFile(mail, ops);
    const lines = text.trimEnd().split('\n');
    const reload = await start();
    for (let count = 0; count < lines.length; count++) {
      writeFileSync(path, lines.slice(0, count).join('\n'));
      await settle(reload);
      await settle(reload);
      expect(idsOf(reload), `${count} lines`).toEqual(['mail', 'root']);
      expect(reload.fault, `${count} lines`).toContain('callers.yaml');
      expect(rejected.length, `${count} lines`).toBe(count + 1);
    }

    writeFileSync(path, text);
    await settle(reload);

    expect(idsOf(reload)).toEqual(['mail', 'ops', 'root']);
    expect(reload.fault).toBeUndefined();
  });

  test('keeps the old callers while it is written slowly', async () => {
    const lines = callersFile(ops).split('\n');
    const reload = await start();
    const seen = new Set<string>();
    writeFileSync(path, '');
    for (const line of lines.slice(0, -1)) {
      expect(idsOf(reload)).toEqual(['mail', 'root']);
      appendFileSync(path, `${line}\n`);
      await reload.check();
      seen.add(idsOf(reload).join());
    }

    await reload.check();

    expect([...seen]).toEqual(['mail,root']);
    expect(idsOf(reload)).toEqual(['ops', 'root']);
    expect(rejected).toEqual([expect.stringContaining('keeps changing')]);
  });

  test('keeps the old callers when it is deleted or not readable, and goes on when it is back', async () => {
    const reload = await start();
    const text = readFileSync(path);
    rmSync(path);
    await settle(reload);
    expect(reload.fault).toContain('Cannot read');
    expect(idsOf(reload)).toEqual(['mail', 'root']);

    writeFileSync(path, text);
    await settle(reload);

    expect(reload.fault).toBeUndefined();
    expect(rejected.length).toBe(1);
    expect(loads).toBe(1);
  });

  test('is refused if its group or others may write it', async () => {
    const reload = await start();
    for (const mode of [0o664, 0o646]) {
      writeFileSync(path, callersFile(ops));
      chmodSync(path, mode);
      await settle(reload);
      expect(idsOf(reload)).toEqual(['mail', 'root']);
      expect(reload.fault).toContain(`mode 0${mode.toString(8)}). Run: chmod go-w`);
      await expect(start()).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    }

    chmodSync(path, 0o640);
    await settle(reload);

    expect(idsOf(reload)).toEqual(['ops', 'root']);
  });

  test('is refused at the start if it is a folder, or broken', async () => {
    for (const broken of ['/', join(path, 'none')]) {
      path = broken;
      await expect(start()).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    }
  });
});
