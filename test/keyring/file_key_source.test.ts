import { createHash, createSecretKey } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileKeySource, createKekFile } from '../../src/keyring/file_root_key_source.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';

const bytesOf = (seed: number) => Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 7 + seed) & 0xff));
const idOf = (seed: number) => createKek(bytesOf(seed)).id;
const me = process.getuid?.() ?? 0;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kek-'));
  path = join(folder, 'kek');
});
afterEach(() => rm(folder, { recursive: true }));

async function put(file: string, bytes: Uint8Array | string, mode = 0o400) {
  await writeFile(file, bytes);
  await chmod(file, mode);
}
const load = (ownerUid = me) => createFileKeySource({ path, ownerUid }).load();
const unavailable = (message: RegExp) =>
  expect.objectContaining({ reason: 'KEY_SOURCE_UNAVAILABLE', message: expect.stringMatching(message) });

describe('reading', () => {
  test('loads the file, and `<path>.previous` as the previous key', async () => {
    await put(path, bytesOf(1));
    await put(`${path}.previous`, bytesOf(2));

    const keks = await load();

    expect(keks.current.id).toEqual(idOf(1));
    expect(keks.previous?.id).toEqual(idOf(2));
  });

  test.each([0o400, 0o600])('accepts mode %o', async (mode) => {
    await put(path, bytesOf(1), mode);

    expect((await load()).current.id).toEqual(idOf(1));
  });

  test('has no previous key without that file, or if it is a copy', async () => {
    await put(path, bytesOf(1));
    expect((await load()).previous).toBeUndefined();

    await put(`${path}.previous`, bytesOf(1));
    expect((await load()).previous).toBeUndefined();
  });

  test.each([0o440, 0o404, 0o420, 0o402, 0o644, 0o410])('refuses mode %o', async (mode) => {
    await put(path, bytesOf(1), mode);

    await expect(load()).rejects.toEqual(unavailable(/chmod 0400/));
  });

  test.each([
    ['empty', Buffer.alloc(0)],
    ['short', bytesOf(1).subarray(1)],
    ['long', Buffer.concat([bytesOf(1), Buffer.from('\n')])],
    ['text', bytesOf(1).toString('base64')],
    ['all zero', Buffer.alloc(32)],
    ['one byte over and over', Buffer.alloc(32, 0x61)],
  ])('refuses a file that is %s', async (_, bytes) => {
    await put(path, bytes);

    await expect(load()).rejects.toEqual(unavailable(/32 raw random bytes/));
  });

  test('refuses an invalid previous file like an invalid current one', async () => {
    await put(path, bytesOf(1));
    await put(`${path}.previous`, bytesOf(2), 0o444);

    await expect(load()).rejects.toEqual(unavailable(/kek\.previous is open to other users/));
  });

  test('refuses a file of another user', async () => {
    await put(path, bytesOf(1));

    await expect(load(me + 1)).rejects.toEqual(unavailable(/belongs to user|cannot be opened/));
  });

  test.runIf(me === 0)('refuses a file that a lesser user could change', async () => {
    await put(path, bytesOf(1));
    await chown(path, 1234, 0);

    await expect(load()).rejects.toEqual(unavailable(/belongs to user 1234/));
  });

  test('follows a link, and checks the file behind it', async () => {
    await put(join(folder, 'data'), bytesOf(1));
    await symlink('data', path);
    expect((await load()).current.id).toEqual(idOf(1));

    await chmod(join(folder, 'data'), 0o444);
    await expect(load()).rejects.toEqual(unavailable(/open to other users/));
  });

  test.runIf(me === 0)('trusts a link of this user or of root, and refuses one of another user', async () => {
    const data = join(folder, 'data');
    await put(data, bytesOf(1));
    await chown(data, 1234, 0);
    await symlink('data', path);
    for (const owner of [0, 1234]) {
      await lchown(path, owner, 0);
      expect((await load(1234)).current.id).toEqual(idOf(1));
    }

    await lchown(path, 4321, 0);
    await expect(load(1234)).rejects.toEqual(unavailable(/belongs to user 4321/));
  });

  test('refuses a path through a file', async () => {
    await put(path, bytesOf(1));
    path = join(path, 'kek');

    await expect(load()).rejects.toEqual(unavailable(/cannot be opened \(ENOTDIR\)/));
  });

  test('reports a missing file, and creates none', async () => {
    await expect(load()).rejects.toEqual(unavailable(/does not exist/));
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('refuses a link to nowhere, a loop of links and a folder', async () => {
    await put(path, bytesOf(1));
    await symlink('nowhere', `${path}.previous`);
    await expect(load()).rejects.toEqual(unavailable(/ENOENT/));

    await rm(`${path}.previous`);
    await symlink('kek.previous', `${path}.previous`);
    await expect(load()).rejects.toEqual(unavailable(/ELOOP/));

    await rm(`${path}.previous`);
    await mkdir(`${path}.previous`);
    await expect(load()).rejects.toEqual(unavailable(/not a regular file/));
  });
});

describe.runIf(me === 0)('a credential of systemd', () => {
  const SERVICE_USER = 1234;
  let credentials: string;
  beforeEach(async () => {
    credentials = join(folder, 'token-vault.service');
    path = join(credentials, 'kek');
    await mkdir(credentials);
    await put(path, bytesOf(1), 0o440);
    await chmod(credentials, 0o550);
  });

  const loadAs = (credentialsDirectory: string | undefined) =>
    createFileKeySource({ path, ownerUid: SERVICE_USER, credentialsDirectory }).load();

  async function behindLink(owner: number) {
    const data = join(credentials, 'data');
    await rename(path, data);
    await symlink('data', path);
    await chown(data, owner, 0);
  }

  test('of mode 0440 that belongs to root is accepted', async () => {
    await put(`${path}.previous`, bytesOf(2), 0o440);
    const { current, previous } = await loadAs(credentials);
    expect([current.id, previous?.id]).toEqual([idOf(1), idOf(2)]);
  });

  test('is accepted through a link to its folder', async () => {
    const link = join(folder, 'link');
    await symlink(credentials, link);
    expect((await loadAs(link)).current.id).toEqual(idOf(1));
  });

  test.each([
    ['is not under the folder of credentials', async () => {}, () => folder],
    ['is used without such a folder', async () => {}, () => undefined],
    ['others can read', () => chmod(path, 0o444), () => credentials],
    ['its group can change', () => chmod(path, 0o460), () => credentials],
    ['belongs to another group', () => chown(path, 0, 1), () => credentials],
    ['belongs to another user', () => chown(path, 4321, 0), () => credentials],
    ['belongs to another user behind a link', () => behindLink(4321), () => credentials],
    ['has a folder that does not exist', async () => {}, () => join(folder, 'nowhere')],
    ['lies in a folder of another group', () => chown(credentials, 0, 1), () => credentials],
    ['lies in a folder of another user', () => chown(credentials, 4321, 0), () => credentials],
    ['lies in a folder that others can enter', () => chmod(credentials, 0o555), () => credentials],
  ])('that %s is refused', async (_, spoil, directory) => {
    await spoil();
    await expect(loadAs(directory())).rejects.toEqual(unavailable(/belongs to user/));
  });
});

describe('a root key', () => {
  test('has an id that is a hash of it, and erases the bytes it was created from', () => {
    const bytes = bytesOf(1);
    const id = createHash('sha256').update('tokenvault/kek-id').update(bytes).digest().subarray(0, 16);
    expect(createKek(bytes)).toStrictEqual({ id, key: createSecretKey(bytesOf(1)) });
    expect(bytes).toEqual(Buffer.alloc(32));
  });

  test.each([0, 31, 33])('of %i bytes is refused', (size) => {
    expect(() => createKek(Buffer.alloc(size, 1))).toThrow(RangeError);
  });
});

describe('creating', () => {
  test('writes 32 random bytes for this user alone, in a folder for this user alone', async () => {
    path = join(folder, 'deep', 'keys', 'kek');
    await createKekFile(path);

    expect((await stat(path)).mode & 0o777).toBe(0o400);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
    expect(await readFile(path)).toHaveLength(32);
    expect((await load()).current.id).toHaveLength(16);
  });

  test('creates another key each time', async () => {
    await createKekFile(path);
    await createKekFile(join(folder, 'other'));

    expect(await readFile(path)).not.toEqual(await readFile(join(folder, 'other')));
  });

  test('creates it after an earlier start was killed in between', async () => {
    await put(`${path}.partial`, bytesOf(1).subarray(0, 7));

    await createKekFile(path);

    expect(await readFile(path)).toHaveLength(32);
    expect(await readdir(folder)).toEqual(['kek']);
  });

  test('never overwrites, and leaves no other file', async () => {
    await put(path, bytesOf(1));
    await put(`${path}.new`, bytesOf(2));

    await expect(createKekFile(path)).rejects.toEqual(unavailable(/exists already, and is kept/));
    expect(await readFile(path)).toEqual(bytesOf(1));
    expect(await readFile(`${path}.new`)).toEqual(bytesOf(2));
    expect(await readdir(folder)).toEqual(['kek', 'kek.new']);
  });
});
