import { readFileSync } from 'node:fs';

interface LockedPackage {
  readonly version?: string;
  /** To a workspace. */
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  /** Of development and optional packages only. */
  readonly devOptional?: boolean;
}

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

/** What `npm ci --omit=dev --omit=optional` installs in the image, by folder. Workspaces are not copied there. */
export function productionPackages() {
  return Object.entries(lock.packages)
    .filter(
      ([path, { link, dev, optional, devOptional }]) =>
        path.startsWith('node_modules/') && !link && !dev && !optional && !devOptional,
    )
    .map(([path, { version }]) => ({ path, name: path.replace(/^.*node_modules\//, ''), version }));
}
