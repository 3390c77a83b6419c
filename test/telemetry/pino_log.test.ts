import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = `
  import { createPinoLog } from '${fileURLToPath(new URL('../../src/telemetry/stderr_json_log.ts', import.meta.url))}';
  const log = createPinoLog('info');
  for (let i = 0; i < 3; i += 1) log.event('warn', 'sinks_file_warning', { message: 'x' });
  setImmediate(() => process.stdout.write('lives'));
`;

test('a log that cannot be written does not stop the process', () => {
  const full = openSync('/dev/full', 'w');
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', full],
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  expect(stdout.toString('utf8')).toBe('lives');
  expect(status).toBe(0);
});

/** Runs a program whose standard error is a pipe, or a socket, that is read only when `read` is called. */
function stalled(kind: 'pipe' | 'socket', program: string) {
  const source = `
    import { createPinoLog } from '${fileURLToPath(new URL('../../src/telemetry/stderr_json_log.ts', import.meta.url))}';
    import { once } from 'node:events';
    const log = createPinoLog('info');
    const line = (n) => log.event('warn', 'key_vault_secret_stale', { uri: String(n), message: 'x'.repeat(10_000) });
    ${program}`;
  const node = [process.execPath, '--input-type=module', '-e', source];
  // A shell's pipe is one; what Node gives a child is a socket. The second process reads its pipe once it is sent a line.
  const child =
    kind === 'socket'
      ? spawn(node[0] ?? '', node.slice(1), { stdio: 'pipe' })
      : spawn('sh', ['-c', '{ "$@" 3>&1 1>&4 2>&3 3>&- | { read -r _ <&5; cat >&2; }; } 4>&1 5<&6', 'sh', ...node], {
          stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'pipe'],
        });
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    /** Resolves with the line that it writes next on standard output. */
    async said() {
      const [chunk] = (await once(child.stdout as Readable, 'data')) as [Buffer];
      return chunk.toString('utf8').trim();
    },
    /** Reads standard error until an event of that name. */
    async readUntil(event: string) {
      if (kind === 'pipe') (child.stdio as unknown as Writable[])[6]?.end('\n');
      const events: { event: string; lines?: number }[] = [];
      for await (const line of createInterface({ input: child.stderr as Readable })) {
        events.push(JSON.parse(line));
        if (events.at(-1)?.event === event) break;
      }
      return events;
    },
  };
}

const KINDS = ['pipe', 'socket'] as const;

const FILL = 'for (let n = 0; n < 300; n += 1) line(n);';

test.each(KINDS)('a %s without a reader does not block, and dropped lines are counted', async (kind) => {
  const { said, readUntil } = stalled(kind, `${FILL} console.log(log.dropped); process.stdin.resume();`);
  const dropped = Number(await said());
  expect(dropped).toBeGreaterThan(100);

  const events = await readUntil('log_lines_dropped');

  expect(events).toHaveLength(300 - dropped + 1);
  expect(events.at(-1)).toMatchObject({ lines: dropped });
});

test.each(KINDS)('the reason of a crash is written to a %s with a slow reader', async (kind) => {
  const { child, said, readUntil } = stalled(
    kind,
    `${FILL}
    console.log('full');
    await once(process.stdin, 'data');
    log.event('error', 'vault_crashed', { error: 'TypeError', stack: '' });
    log.flush();
    process.exit(70);`,
  );
  await said();
  const events = readUntil('vault_crashed');
  child.stdin?.write('end\n');
  expect((await events).at(-1)).toMatchObject({ event: 'vault_crashed' });
});

test('the exit does not wait long for a missing reader', async () => {
  const { child } = stalled('socket', `${FILL} log.flush(); process.exit(70);`);
  const [code] = await once(child, 'exit');
  expect(code).toBe(70);
});

test('no field of an event overwrites its name, level or time', () => {
  const source = readFileSync(new URL('../../src/telemetry/log_events.ts', import.meta.url), 'utf8');
  const fields = new Set(Array.from(source.matchAll(/\b(\w+): (?:string|number)\b/g), ([, field]) => field));
  expect(fields).toContain('correlationId');
  for (const name of ['event', 'level', 'time']) expect(fields).not.toContain(name);
});
