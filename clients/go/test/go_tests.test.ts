import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMPILE_TIMEOUT, go, MODULE, skipsGo } from './go.ts';

const sources = globSync('**/*.go', { cwd: MODULE }).map((path) => readFileSync(join(MODULE, path), 'utf8'));
const names = sources.flatMap((source) => [...source.matchAll(/^func (Test\w+)\(/gm)].map(([, name = '']) => name));

interface Event {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

describe.skipIf(skipsGo)('the tests in Go', () => {
  let events: readonly Event[];
  beforeAll(async () => {
    const output = await go(['test', '-json', '-timeout', '5m', './...']).catch(
      ({ stdout }: { stdout: string }) => stdout,
    );
    events = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }, COMPILE_TIMEOUT);

  test.each(names)('%s', (name) => {
    const own = events.filter(({ Test }) => Test === name || Test?.startsWith(`${name}/`));
    const output = (own.length > 0 ? own : events).map(({ Output }) => Output ?? '').join('');
    expect(own.findLast(({ Test }) => Test === name)?.Action, output).toBe('pass');
  });

  test(
    'go vet, gofmt and go mod tidy find nothing',
    async () => {
      expect(await go(['vet', './...'])).toBe('');
      expect(await go(['mod', 'tidy', '-diff'])).toBe('');
      const root = (await go(['env', 'GOROOT'])).trim();
      expect(execFileSync(join(root, 'bin/gofmt'), ['-l', '.'], { cwd: MODULE, encoding: 'utf8' })).toBe('');
    },
    COMPILE_TIMEOUT,
  );
});
