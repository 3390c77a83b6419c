import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Load, LoadResult, Target } from './load.ts';

const run = promisify(execFile);

export function isH2loadInstalled(): boolean {
  return spawnSync('h2load', ['--version']).status === 0;
}

/**
 * Load by h2load (Debian: nghttp2-client), which leaves a whole core to the server. It runs for a number of requests, so that the
 * bytes of all responses are known: h2load ignores grpc-status, and an error has no body.
 */
export function createH2load(): Load {
  const rates = new Map<string, number>();
  return {
    name: 'h2load',
    async run(target, { streams, seconds }) {
      if (typeof target.frame === 'function') throw new Error('h2load can only repeat one request');
      const key = `${target.name} ${streams}`;
      const requests = Math.max(streams * 4, Math.round((rates.get(key) ?? FIRST_GUESS) * seconds));
      const result = await once(target, target.frame, streams, requests);
      rates.set(key, result.answers / result.seconds);
      return result;
    },
  };
}

/** Requests a second, before the first measurement. */
const FIRST_GUESS = 4_000;

async function once(target: Target, frame: Buffer, streams: number, requests: number): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'h2load-'));
  const body = join(folder, 'frame');
  const log = join(folder, 'log');
  writeFileSync(body, frame);
  const headers = ['content-type: application/grpc', 'te: trailers'];
  if (target.apiKey !== undefined) headers.push(`authorization: Bearer ${target.apiKey}`);
  try {
    const { stdout } = await run('h2load', [
      ...['-t', '1', '-c', '1', '-m', String(streams), '-n', String(requests), '-d', body, '--log-file', log],
      ...headers.flatMap((header) => ['-H', header]),
      `http://127.0.0.1:${target.port}${target.path}`,
    ]);
    const answers = Math.floor(dataBytes(stdout) / target.answerBytes);
    return { answers, failures: requests - answers, ...readLog(readFileSync(log, 'latin1')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function dataBytes(report: string): number {
  const bytes = /\((\d+)\) data$/m.exec(report)?.[1];
  if (bytes === undefined) throw new Error(`h2load reports no bytes:\n${report}`);
  return Number(bytes);
}

/** A line a request, in microseconds: start since the epoch, HTTP status, duration. */
function readLog(log: string): { seconds: number; latencies: Float64Array } {
  const lines = log.trimEnd().split('\n');
  const latencies = new Float64Array(lines.length);
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const [at, line] of lines.entries()) {
    const [started = '', , took = ''] = line.split('\t');
    latencies[at] = Number(took);
    start = Math.min(start, Number(started));
    end = Math.max(end, Number(started) + Number(took));
  }
  return { seconds: (end - start) / 1e6, latencies };
}
