import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePorts } from '../scenarios/free_ports.ts';

/** The `job` of the vault, as docs/runbook.md has it. */
const JOB = 'token-vault';

export const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;

/** A Prometheus that scrapes one vault and evaluates alert rules. */
export interface PrometheusServer {
  /** The value of each series that an instant query returns, by its labels. */
  query(expression: string): Promise<readonly Sample[]>;
  /** The alerts that are firing now. */
  firing(): Promise<readonly FiringAlert[]>;
  close(): Promise<void>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>> & { readonly alertname: string };
  readonly annotations: { readonly summary: string };
}

export async function startPrometheus(options: {
  /** host:port of the ops listener. */
  readonly target: string;
  /** The content of a rule file. */
  readonly rules: unknown;
  readonly intervalSeconds: number;
}): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const interval = `${options.intervalSeconds}s`;
  // JSON is YAML.
  writeFileSync(join(folder, 'rules.yaml'), JSON.stringify(options.rules));
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: JOB, static_configs: [{ targets: [options.target] }] }],
    }),
  );
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });

  async function read(path: string): Promise<unknown> {
    if (child.exitCode !== null) throw new Error(`Prometheus exited: ${stderr}`);
    const response = await fetch(`http://${address}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as { status: string; data: unknown; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }

  await vi.waitFor(() => read('status/runtimeinfo'), { timeout: 60_000, interval: 100 });
  return {
    async query(expression) {
      const { result } = (await read(`query?query=${encodeURIComponent(expression)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async firing() {
      const { alerts } = (await read('alerts')) as { alerts: (FiringAlert & { state: string })[] };
      return alerts.filter(({ state }) => state === 'firing');
    },
    async close() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
