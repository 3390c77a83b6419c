import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createContainedSet } from '../../src/model/contained_set.ts';
import { caller, type Stage, startStage } from '../rpc/stage.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';
import { startProgram } from './program.ts';

let stage: Stage;
afterEach(() => stage.close());

const TIME = Date.parse('2026-05-01T12:00:00Z');
const root = caller('root', 'admin', '*');
const mail = caller('mail', 'token_reader', 'acme');

async function run(args: readonly string[], key = root.key) {
  const containment = { subject: 'callers/mail', reason: 'r', caller: 'root', createTime: TIME, isLocal: false };
  stage = await startStage({
    keys: [root.known, mail.known],
    contained: createContainedSet(),
    containmentOperations: { list: () => [containment] },
    usage: { ofCallers: async () => new Map([['mail', { credentials: new Map([['k1', TIME]]), tenants: 3 }]]) },
  });
  const file = join(temporaryFolder(), 'key');
  writeFileSync(file, key);
  return startProgram(['callers', 'usage', ...args, '--address', stage.address, '--api-key-file', file]).ended;
}

test('credentials are listed, the longest unused first', async () => {
  const { code, stdout } = await run([]);

  expect(code).toBe(0);
  const [head, ...rows] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^LAST USED \(UTC\) +EXPIRES \(UTC\) +TENANTS +CREDENTIAL +CALLER$/);
  expect(rows[0]).toMatch(/^never +\S.* 0 +API key k1 +root$/);
  expect(rows[1]).toMatch(/^2026-05-01 12:00 +\S.* 3 +API key k1 +mail \(contained\)$/);
});

test('--json prints the response', async () => {
  const { stdout } = await run(['--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    callers: [
      { caller: 'mail', tenants: 3, contained: true, last_use_time: '2026-05-01T12:00:00Z' },
      {
        caller: 'root',
        tenants: 0,
        contained: false,
        credentials: [{ credential: 'k1', kind: 'CREDENTIAL_KIND_API_KEY' }],
      },
    ],
  });
});

test('only an admin may list them', async () => {
  expect((await run([], mail.key)).code).toBe(77);
});
