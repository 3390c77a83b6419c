import { realpath } from 'node:fs/promises';
import { dirname, normalize, sep } from 'node:path';
import { type AllowedAssertionFiles, type AssertionFile, TENANT_PART } from '../../model/federated_assertion_files.ts';

/** The entry of TOKENVAULT_FEDERATED_FILES that allows a file, resolved for one tenant. */
export interface AllowedPath {
  /** With the tenant's id. */
  readonly path: string;
  /** The entry before `{tenant}`, and from there on; undefined: the entry is for one tenant. */
  readonly shared: { readonly folder: string; readonly own: string } | undefined;
}

/** Compares paths only, without access to files. */
export function findAllowed(
  allowed: readonly AllowedAssertionFiles[],
  { tenantId, path }: AssertionFile,
): AllowedPath | undefined {
  // The system would resolve `..` after links.
  if (normalize(path) !== path) return undefined;
  return allowed
    .filter((entry) => entry.tenantId === undefined || entry.tenantId === tenantId)
    .map((entry) => resolveEntry(entry, tenantId))
    .find((entry) => path === entry.path || path.startsWith(entry.path + sep));
}

function resolveEntry({ tenantId: named, path }: AllowedAssertionFiles, tenantId: string): AllowedPath {
  if (named !== undefined) return { path, shared: undefined };
  const at = path.indexOf(TENANT_PART);
  const own = tenantId + path.slice(at + TENANT_PART.length);
  return { path: path.slice(0, at) + own, shared: { folder: path.slice(0, at - 1) || sep, own } };
}

/**
 * The real path of the file. Undefined: a link leads out of the allowed folder. Links inside it are followed, because
 * Kubernetes projects files through links. For an allowed file, the folder is the file's own. Rejects if a part of the
 * path does not exist.
 */
export async function resolveInside({ path: allowed, shared }: AllowedPath, path: string): Promise<string | undefined> {
  const [real, container] = await Promise.all([realpath(path), realpath(path === allowed ? dirname(path) : allowed)]);
  if (!isInside(container, real)) return undefined;
  if (shared === undefined) return real;
  // The tenant's part may itself be a link, but not to another tenant's part.
  const [entry, folder] = await Promise.all([realpath(allowed), realpath(shared.folder)]);
  return isInside(folder, entry) && entry.endsWith(sep + shared.own) ? real : undefined;
}

function isInside(folder: string, path: string): boolean {
  return path.startsWith(folder === sep ? sep : folder + sep);
}
