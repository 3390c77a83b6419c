import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { whoActs } from '../../clients/typescript/src/who_acts.ts';
import { REASONS } from '../../src/model/errors.ts';

const GO_CLIENT = 'clients/go';
const read = (path: string) => readFileSync(`${GO_CLIENT}/${path}`, 'utf8');
const goMod = read('go.mod');
const modulePath = /^module (.+)$/m.exec(goMod)?.[1] ?? '';

test('imports, stubs and README have the module path of go.mod', () => {
  const known = [modulePath, ...[...goMod.matchAll(/^\t(\S+) v\S+$/gm)].map(([, path = '']) => path)];
  const paths = [...globSync('**/*.go', { cwd: GO_CLIENT }), 'README.md'];
  const imports = paths.flatMap((path) =>
    [...read(path).matchAll(/^\t(?:[\w.]+ )?"([\w-]+\.[\w./-]+)"$/gm)].map(([, name = '']) => ({ path, name })),
  );
  expect(new Set(imports.map(({ path }) => path)).size).toBeGreaterThan(20);
  const isKnown = (name: string) => known.some((path) => name === path || name.startsWith(`${path}/`));
  expect(imports.filter(({ name }) => !isKnown(name))).toEqual([]);
  expect(read('README.md')).toContain(`-replace=${modulePath}=`);
  expect(read('buf.gen.yaml')).toContain(`value: ${modulePath}/gen\n`);
  expect(globSync('proto/**/*.proto').filter((path) => readFileSync(path, 'utf8').includes('go_package'))).toEqual([]);
});

test('the Go client names the same party for each reason as the one in TypeScript', () => {
  const table = [...read('who_acts.go').matchAll(/^\t"(\w+)": +WhoActs(\w+),$/gm)];
  const inGo = Object.fromEntries(table.map(([, reason = '', party = '']) => [reason, party.toLowerCase()]));
  expect(inGo).toEqual(Object.fromEntries(REASONS.map((reason) => [reason, whoActs(reason)])));
});
