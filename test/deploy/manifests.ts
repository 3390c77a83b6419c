import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import type { Manifest } from './kubernetes_schema.ts';

export const OVERLAYS = ['sqlite', 'postgres', 'example'] as const;

const folder = fileURLToPath(new URL('../../deploy/kustomize', import.meta.url));

export const hasKustomize = spawnSync('kustomize', ['version']).status === 0;
if (!hasKustomize) {
  console.warn('kustomize is not installed (.ci/run installs it): the manifests are checked, but not the overlays.');
}

/** The objects that a kustomization renders. */
export function render(overlay: (typeof OVERLAYS)[number]): Manifest[] {
  const { status, stdout, stderr } = spawnSync('kustomize', ['build', `${folder}/${overlay}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return objectsOf(stdout);
}

/** The objects of a folder as they are written, without patches. */
export function written(part: 'base' | 'postgres'): Manifest[] {
  const read = (file: string) => readFileSync(`${folder}/${part}/${file}`, 'utf8');
  const { resources } = parse(read('kustomization.yaml')) as { resources: string[] };
  return resources.filter((path) => path.endsWith('.yaml')).flatMap((path) => objectsOf(read(path)));
}

// Kubernetes reads YAML 1.1, where 0440 is octal.
function objectsOf(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as Manifest);
}

export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, ...more] = manifests.filter((manifest) => manifest.kind === kind);
  if (found === undefined || more.length > 0) throw new Error(`expected one ${kind}`);
  return found;
}
