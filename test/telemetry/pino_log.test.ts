import { spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = `
  import { createPinoLog } from '${fileURLToPath(new URL('../../src/telemetry/pino_log.ts', import.meta.url))}';
  const log = createPinoLog('info');
  for (let i = 0; i < 3; i += 1) log.event('warn', 'warning', { topic: 'test', message: 'x' });
  setImmediate(() => process.stdout.write('lives'));
`;

test('a log that cannot be written ends nothing', () => {
  const full = openSync('/dev/full', 'w');
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', full],
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  expect(stdout.toString('utf8')).toBe('lives');
  expect(status).toBe(0);
});

test('no field of an event hides its name, level or time', () => {
  const source = readFileSync(new URL('../../src/telemetry/log.ts', import.meta.url), 'utf8');
  const fields = new Set(Array.from(source.matchAll(/\b(\w+): (?:string|number)\b/g), ([, field]) => field));
  expect(fields).toContain('correlationId');
  for (const name of ['event', 'level', 'time']) expect(fields).not.toContain(name);
});
