import { VaultError } from './errors.ts';

/** AIP-154: opaque to callers. The uid is in it, so that a re-created resource never matches an old etag. */
export function etagOf(resource: { readonly uid: string; readonly version: number }): string {
  return `${resource.uid.slice(0, 8)}.${resource.version}`;
}

/** An absent etag matches: the caller did not request the check. */
export function checkEtag(
  resource: { readonly uid: string; readonly version: number },
  etag: string,
  name: string,
): void {
  if (etag !== '' && etag !== etagOf(resource)) throw changedSinceRead(name);
}

export function changedSinceRead(name: string): VaultError {
  const message = `${name} changed since it was read. Read it again and repeat the change.`;
  return new VaultError('ETAG_MISMATCH', message, { metadata: { resource: name } });
}
