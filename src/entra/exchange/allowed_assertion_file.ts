import { realpath } from 'node:fs/promises';
import { dirname, normalize, sep } from 'node:path';
import { type AllowedAssertionFiles, type AssertionFile, TENANT_PART } from '../../model/assertion_files.ts';

/** The entry that allows a file, for the tenant that asks. */
export interface AllowedPlace {
  /** With the tenant's id. */
  readonly path: string;
  /** The part of the entry before `{tenant}`, and from there on; undefined: the entry names its tenant. */
  readonly shared: { readonly folder: string; readonly own: string } | undefined;
}

/** By its path alone: nothing outside of what is allowed is looked at. */
export function findAllowed(
  allowed: readonly AllowedAssertionFiles[],
  { tenantId, path }: AssertionFile,
): AllowedPlace | undefined {
  // `..` and its like would be followed only after links are.
  if (normalize(path) !== path) return undefined;
  return allowed
    .filter((entry) => entry.tenantId === undefined || entry.tenantId === tenantId)
    .map((entry) => placeOf(entry, tenantId))
    .find((place) => path === place.path || path.startsWith(place.path + sep));
}

function placeOf({ tenantId: named, path }: AllowedAssertionFiles, tenantId: string): AllowedPlace {
  if (named !== undefined) return { path, shared: undefined };
  const at = path.indexOf(TENANT_PART);
  const own = tenantId + path.slice(at + TENANT_PART.length);
  return { path: path.slice(0, at) + own, shared: { folder: path.slice(0, at - 1) || sep, own } };
}

/**
 * The real path of the file. Undefined: a link leads out of the allowed folder. Links inside are followed, since Kubernetes
 * projects files by them. An allowed file counts with its folder. Rejects where the file or a part of its path is not there.
 */
export async function resolveInside(
  { path: allowed, shared }: AllowedPlace,
  path: string,
): Promise<string | undefined> {
  const [real, container] = await Promise.all([realpath(path), realpath(path === allowed ? dirname(path) : allowed)]);
  if (!isInside(container, real)) return undefined;
  if (shared === undefined) return real;
  // The tenant's part may be a link itself, but not one to another tenant's.
  const [entry, folder] = await Promise.all([realpath(allowed), realpath(shared.folder)]);
  return isInside(folder, entry) && entry.endsWith(sep + shared.own) ? real : undefined;
}

export function isInside(folder: string, path: string): boolean {
  return path.startsWith(folder === sep ? sep : folder + sep);
}
