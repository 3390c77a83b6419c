import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { COMPILE_TIMEOUT, MODULE, skipsGo } from './go.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const GENERATED = 'clients/go/gen/tokenvault/v1';

test.skipIf(skipsGo)(
  'the stubs are those that `npm run generate:go` makes',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stubs-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const buf = join(checkout, 'node_modules/.bin/buf');
    const template = join(MODULE, 'buf.gen.yaml');
    await promisify(execFile)(buf, ['generate', '--template', template, '-o', folder], { cwd: checkout });
    const names = (root: string) => readdirSync(join(root, GENERATED)).sort();
    expect(names(checkout)).toEqual(names(folder));
    const read = (root: string, name: string) => readFileSync(join(root, GENERATED, name), 'utf8');
    expect(names(folder).filter((name) => read(folder, name) !== read(checkout, name))).toEqual([]);
  },
  COMPILE_TIMEOUT,
);
