import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const IN_JSON = /^ {2}"version": "(.+)",$/m;

/** The files that contain the version. A Go module has it in its tag only. */
const PLACES: Readonly<Record<string, RegExp>> = {
  'package-lock.json': IN_JSON,
  'clients/typescript/package.json': IN_JSON,
  'clients/python/pyproject.toml': /^version = "(.+)"$/m,
  'deploy/Containerfile': /org\.opencontainers\.image\.version="(.+)"/,
  'deploy/kustomize/base/stateful-set.yaml': /image: token-vault:(.+)$/m,
  'deploy/kustomize/example/kustomization.yaml': /newTag: (.+)$/m,
};

/** The version in `package.json` of the checkout `root`. Throws if a file has another one. */
export function releaseVersion(root: string): string {
  const versionIn = (file: string, pattern: RegExp) => pattern.exec(readFileSync(join(root, file), 'utf8'))?.[1];
  const version = versionIn('package.json', IN_JSON) ?? '';
  // npm and Python write pre-releases differently.
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error('The version in package.json does not have the form 1.2.3.');
  const others = Object.entries(PLACES)
    .filter(([file, pattern]) => existsSync(join(root, file)) && versionIn(file, pattern) !== version)
    .map(([file]) => file);
  if (others.length > 0) {
    throw new Error(`The version in package.json is ${version}. Write it into ${others.join(', ')}, too.`);
  }
  return version;
}
