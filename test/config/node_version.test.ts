import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeAdvice, nodeFault } from '../../src/config/check_node_version.ts';

test.each(['18.20.8', '20.20.2', '22.18.0', '22.23.1', '23.11.1', '24.4.0', '24.18.0', '25.9.0', '26.5.0'])(
  'rejects Node %s, and names the accepted versions',
  (version) => {
    expect(nodeFault(version)).toMatch(/needs Node 22\.23\.2, 24\.18\.1, 26\.5\.1 or a later version/);
  },
);

test.each(['22.23.2', '22.24.0', '24.18.1', '24.21.0', '26.5.1', '26.10.0', '27.0.0', '28.1.0'])(
  'accepts Node %s',
  (version) => {
    expect(nodeFault(version)).toBeUndefined();
  },
);

test('advises a newer version if it fixes a known vulnerability', () => {
  expect(nodeAdvice('24.21.0')).toContain('24.22.3');
  expect(['22.23.5', '24.22.3', '24.23.0', '26.13.1', '27.0.0'].map(nodeAdvice)).toEqual(Array(5).fill(undefined));
});

test('the package and the program accept the same versions', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(engines.node).toBe('^22.23.2 || ^24.18.1 || >=26.5.1');
});
