import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runSandbox } from '../../src/sandbox/run_sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ADA, callGraph, redeem, refreshTokenOf } from './client.ts';

test('the program prints example commands, runs, and stops on a signal', async () => {
  const stopping = new AbortController();
  const welcome = Promise.withResolvers<string>();
  const run = runSandbox({ port: 0, signal: stopping.signal, print: welcome.resolve });
  const text = await welcome.promise;
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';
  expect((await fetch(`${url}/sandbox`)).status).toBe(200);
  expect(text).toContain(ADA);
  expect(text).toContain('Users consent by the policy managed: an administrator approves');
  stopping.abort();
  await run;
  await expect(fetch(`${url}/sandbox`)).rejects.toThrow();
  expect(process.listenerCount('SIGTERM')).toBe(0);
});

test('over TLS, it has a CA of its own, whose path the program prints', async () => {
  const stopping = new AbortController();
  const welcome = Promise.withResolvers<string>();
  const run = runSandbox({ port: 0, tlsPort: 0, signal: stopping.signal, print: welcome.resolve });
  const text = await welcome.promise;
  const url = /https:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';
  const caFile = /NODE_EXTRA_CA_CERTS=(\S+)/.exec(text)?.[1] ?? '';
  const statusWith = (ca: Buffer | undefined) =>
    new Promise((resolve, reject) => {
      get(`${url}/graph/v1.0/me`, { agent: false, ca }, (response) => resolve(response.resume().statusCode)).on(
        'error',
        reject,
      );
    });
  expect(await statusWith(readFileSync(caFile))).toBe(401);
  await expect(statusWith(undefined)).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  stopping.abort();
  await run;
  expect(existsSync(caFile)).toBe(false);
});

test('a port in use is an error, not a crash', async () => {
  const sandbox = await startSandbox();
  await expect(startSandbox({ port: Number(new URL(sandbox.url).port) })).rejects.toThrow('EADDRINUSE');
  await sandbox.close();
});

test('with a key file access tokens stay valid after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const keyFile = join(folder, 'key.json');
  const first = await startSandbox({ keyFile });
  const { body } = await redeem(first, refreshTokenOf(first, ADA, 'User.Read'), 'User.Read');
  await first.close();
  const second = await startSandbox({ keyFile });
  expect((await callGraph(second, body.access_token, '/graph/v1.0/me')).status).toBe(200);
  await second.close();
  rmSync(folder, { recursive: true });
});
