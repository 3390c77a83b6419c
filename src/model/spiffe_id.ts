/** The SPIFFE id of a workload, by the SPIFFE-ID specification and section 5.2 of the X.509-SVID specification. */
export interface SpiffeId {
  readonly trustDomain: string;
}

/** Lower case; no port, user or percent-encoding; no empty segment and no slash at the end. */
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const MAX_LENGTH = 2_048;

/** Undefined for other text. The id of a workload has a path; without one it is a trust domain's. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, trustDomain, path = ''] = SPIFFE_ID.exec(text) ?? [];
  const hasTraversal = path.split('/').some((segment) => segment === '.' || segment === '..');
  return trustDomain === undefined || hasTraversal ? undefined : { trustDomain };
}

export function isTrustDomain(text: string): boolean {
  return TRUST_DOMAIN.test(text);
}
