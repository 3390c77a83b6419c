import type { Clock } from '../../src/model/clock.ts';
import type { KubernetesIssuer } from '../../src/model/token_issuer.ts';

/** A clock and a timer that a test moves. */
export function createMovableTime(start: number) {
  let passed = 0;
  const tasks = new Set<() => void>();
  const clock: Clock = { now: () => start + passed, monotonic: () => passed };
  return {
    clock,
    every(_period: number, task: () => void) {
      tasks.add(task);
      return () => tasks.delete(task);
    },
    advance(duration: number) {
      passed += duration;
      for (const task of tasks) task();
    },
  };
}

export const CLUSTER = 'https://cluster.example';

export function clusterIssuer(
  jwks: KubernetesIssuer['jwks'],
  overrides: Partial<KubernetesIssuer> = {},
): KubernetesIssuer {
  return {
    id: 'cluster',
    kind: 'kubernetes',
    issuer: CLUSTER,
    audiences: ['token-vault'],
    algorithms: ['ES256'],
    jwks,
    ...overrides,
  };
}

export function atUrl(url: string, files: { readonly caFile?: string; readonly tokenFile?: string } = {}) {
  return { url, caFile: files.caFile, tokenFile: files.tokenFile };
}
