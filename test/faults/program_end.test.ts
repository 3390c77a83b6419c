import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, watch } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { PROGRAM } from '../bundled_programs.ts';
import { FREE_PORTS, spawnServe } from '../scenarios/spawn_serve.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'program-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

/** `token-vault serve` in `folder`, on ports that it chooses. */
function serve(environment: Record<string, string> = {}, nodeOptions: readonly string[] = []) {
  const child = spawnServe(folder, environment, { nodeOptions });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    said.stdout += chunk.toString('utf8');
    child.emit('said');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said.stderr += chunk.toString('utf8');
    child.emit('said');
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
  return {
    child,
    ended,
    said,
    async serves() {
      while (!said.stdout.includes('Register a tenant')) await Promise.race([once(child, 'said'), ended.then(fail)]);
    },
    /** The whole log, once it contains the text. */
    async logged(text: string) {
      while (!said.stderr.includes(text)) await Promise.race([once(child, 'said'), ended.then(fail)]);
      return said.stderr;
    },
  };
}

function fail(exit: object): never {
  throw new Error(`the process exited: ${JSON.stringify(exit)}`);
}

/** A proxy of the sandbox that holds requests until `release`. */
async function coolingDown(sandbox: Sandbox) {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    arrived.resolve();
    await released.promise;
    try {
      const answer = await fetch(sandbox.url + request.url);
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    } catch {
      // The sandbox stopped before.
      response.destroy();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, arrived: arrived.promise, release: () => released.resolve() };
}

test('a SIGTERM during the start stops the vault after the start', async () => {
  const sandbox = await startSandbox({ userConsent: 'legacy' });
  onTestFinished(() => sandbox.close());
  const slow = await coolingDown(sandbox);
  const { child, ended } = serve({ TOKENVAULT_SANDBOX: slow.url });
  await slow.arrived;
  child.kill('SIGTERM');
  slow.release();

  const { code, stdout } = await ended;

  expect(code).toBe(0);
  expect(stdout).not.toContain('Register a tenant');
});

test('Ctrl-C under npm, which arrives twice at once, is one stop', async () => {
  const { child, ended, serves } = serve();
  await serves();
  // Two signals with the same name could be merged.
  child.kill('SIGINT');
  child.kill('SIGTERM');

  const { code, stderr } = await ended;

  expect(code).toBe(0);
  expect(stderr).toContain('"event":"vault_stopped"');
});

test('a second signal after one second forces the exit', async () => {
  // On addresses other than loopback, a stop waits five seconds for load balancers.
  const { child, ended, serves, logged } = serve({ TOKENVAULT_WEB_ADDRESS: '0.0.0.0:0', TOKENVAULT_PLAINTEXT: 'mesh' });
  await serves();
  child.kill('SIGTERM');
  await logged('"event":"vault_stopping"');
  // One within a second is of the same stop.
  child.kill('SIGINT');
  await pause(1_100);
  child.kill('SIGTERM');

  const { code, stderr } = await ended;

  expect(code).toBe(1);
  expect(stderr).toContain('"event":"vault_stopping"');
});

/** Of `os.constants.signals`, those that end a process, and that Node lets it catch, but for those of a crash. */
const SURVIVED = [
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
] as const;
const CRASHES = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT', 'SIGIOT', 'SIGTRAP', 'SIGSYS'];
/** They stop a process until SIGCONT, or do nothing. */
const HARMLESS = ['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGCONT', 'SIGCHLD', 'SIGURG', 'SIGWINCH'];

test.runIf(process.platform === 'linux')('only SIGTERM, SIGINT and SIGKILL end a vault', async () => {
  const all = Object.keys(constants.signals).filter((name) => name !== 'SIGPOLL');
  expect(all.sort()).toEqual([...SURVIVED, ...CRASHES, ...HARMLESS, 'SIGTERM', 'SIGINT', 'SIGKILL'].sort());
  const { child, ended, serves, said, logged } = serve();
  await serves();
  const ops = /ops +http:\/\/([^/]+)/.exec(said.stdout)?.[1];
  for (const signal of SURVIVED) {
    child.kill(signal);
    if (signal === 'SIGHUP') await logged('settings_files_read');
    else if (!['SIGPIPE', 'SIGXFSZ'].includes(signal)) await logged(`"signal_ignored","signal":"${signal}"`);
    expect((await fetch(`http://${ops}/readyz`)).status).toBe(200);
  }
  child.kill('SIGTERM');

  const { code, stderr } = await ended;

  expect(code).toBe(0);
  expect(stderr).not.toContain('Debugger');
});

test('a flood of SIGHUP and SIGUSR2 is worked off in few turns', async () => {
  const { child, ended, serves, said, logged } = serve();
  await serves();
  for (let count = 0; count < 500; count += 1) {
    child.kill('SIGHUP');
    child.kill('SIGUSR2');
  }
  await logged('settings_files_read');
  child.kill('SIGTERM');

  expect((await ended).code).toBe(0);
  expect(said.stderr.split('settings_files_read').length).toBeLessThan(50);
});

test('a SIGUSR2 rotates the audit log, and a SIGUSR2 without new entries is ignored', async () => {
  const { child, ended, serves, logged } = serve();
  await serves();
  const admin = /"adminAddress":"([^"]+)"/.exec(await logged('vault_started'))?.[1] ?? '';
  const tenants = createClient(TenantService, admin, {});
  await tenants.listTenants({});
  tenants.close();
  child.kill('SIGUSR2');
  await logged('"event":"audit_file_rotated","after":1');
  child.kill('SIGUSR2');
  await logged('"signal_ignored","signal":"SIGUSR2"');
  child.kill('SIGTERM');

  expect((await ended).code).toBe(0);
  const [old, current] = ['data/audit.jsonl.1', 'data/audit.jsonl'].map((name) =>
    readFileSync(join(folder, name), 'utf8'),
  );
  expect(old).toContain('TenantService/ListTenants');
  expect(current).toMatch(/^\{"open":1,/);
});

test.skipIf(!existsSync('/usr/bin/script') || process.platform !== 'linux')(
  'the end of its terminal does not stop a vault, and a SIGTERM after it does',
  async () => {
    // Like a shell: it receives the end of the terminal, and forwards it.
    const passOn = `'${process.execPath}' '${PROGRAM}' serve & echo $! > pid; trap 'kill -HUP $!; echo > closed' HUP; wait; wait $!; echo $? > code`;
    const terminal = spawn('/usr/bin/script', ['-qec', passOn, '/dev/null'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...FREE_PORTS, SHELL: '/bin/sh' },
    });
    let shown = '';
    for await (const chunk of terminal.stdout) {
      shown += String(chunk);
      if (shown.includes('Register a tenant')) break;
    }
    const file = (name: string) =>
      new Promise<string>((resolve) => {
        const look = () => {
          const text = existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
          if (text !== '') resolve(text.trim());
        };
        const watcher = watch(folder, look);
        onTestFinished(() => watcher.close());
        look();
      });
    const pid = Number(await file('pid'));
    const ops = /ops +http:\/\/([^/]+)/.exec(shown)?.[1];
    const code = file('code');
    terminal.kill('SIGKILL');
    await file('closed');
    expect((await fetch(`http://${ops}/readyz`)).status).toBe(200);
    process.kill(pid, 'SIGTERM');

    expect(await code).toBe('0');
  },
);

test.each([
  ['a blank at the end of a value', { TOKENVAULT_DATABASE_URL: 'sqlite:./data/vault.db ' }],
  ['TLS without checks', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
])('%s: the start exits with 78, and creates no file', async (_, environment) => {
  const { code, stderr } = await serve(environment).ended;

  expect(code).toBe(78);
  expect(stderr).toContain(Object.keys(environment)[0]);
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

test('the start with an inspector exits with 78', async () => {
  const { code, stderr } = await serve({}, ['--inspect=127.0.0.1:0']).ended;

  expect(code).toBe(78);
  expect(stderr).toContain('--inspect');
});

test('an uncaught error exits with 70, and its message is not printed', async () => {
  const trap = 'process.on("SIGUSR2", () => Promise.reject(new TypeError("canary-secret")))';
  const { child, ended, serves } = serve({}, ['--import', `data:text/javascript,${trap}`]);
  await serves();
  child.kill('SIGUSR2');

  const { code, stdout, stderr } = await ended;

  expect(code).toBe(70);
  expect(stderr).toContain('"event":"vault_crashed","error":"TypeError"');
  expect(stdout + stderr).not.toContain('canary-secret');
});

test('the start exits with 65 for a truncated database, and with 69 for a missing root key', async () => {
  const first = serve();
  await first.serves();
  first.child.kill('SIGTERM');
  await first.ended;
  const database = join(folder, 'data', 'vault.db');
  cpSync(join(folder, 'keys'), join(folder, 'kept'), { recursive: true });

  rmSync(join(folder, 'keys'), { recursive: true });
  expect((await serve().ended).code).toBe(69);

  cpSync(join(folder, 'kept'), join(folder, 'keys'), { recursive: true });
  truncateSync(database, readFileSync(database).length - 4_096);
  expect((await serve().ended).code).toBe(65);
});

test('a database deleted under a running vault is reported at once, and the next start exits with 65', async () => {
  const { child, ended, serves, logged } = serve();
  await serves();
  const address = /"opsAddress":"([^"]+)"/.exec(await logged('vault_started'))?.[1];
  const ready = () => fetch(`http://${address}/readyz`);
  expect((await ready()).status).toBe(200);

  rmSync(join(folder, 'data', 'vault.db'));

  const answer = await ready();
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('storage: failing');
  expect(await logged('database_check_failed')).toContain('deleted, moved or replaced while the vault runs');
  child.kill('SIGTERM');
  await ended;

  const { code, stderr } = await serve().ended;
  expect(code).toBe(65);
  expect(stderr).toContain('was deleted or moved while a vault served it');
});
