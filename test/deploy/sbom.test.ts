import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { productionPackages } from './production_packages.ts';

interface Sbom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly { readonly name: string; readonly version: string; readonly hashes: unknown[] }[];
}

test('the SBOM lists exactly the packages that the image has, each with its hash', () => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const sbom = JSON.parse(execFileSync('sh', ['deploy/sbom.sh'], { cwd, encoding: 'utf8' })) as Sbom;

  const installed = new Set(productionPackages().map(({ name, version }) => `${name} ${version}`));
  expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'token-vault' } } });
  expect(new Set(sbom.components.map(({ name, version }) => `${name} ${version}`))).toEqual(installed);
  expect(sbom.components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
});
