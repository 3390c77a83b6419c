import type { Timestamp } from '../../model/clock.ts';
import { createBoundedMap } from '../bounded_map.ts';

/** A token that a credential brought. */
export interface CredentialUse {
  readonly requester: string;
  /** Of the request among all requests. */
  readonly order: number;
  readonly time: Timestamp;
}

/** When credentials last worked. What is known of an app otherwise ends with each change of it; a credential itself never changes. */
export interface CredentialUses {
  /** The newest of two requesters, so that one of another requester is among them. */
  of(credentialUid: string): readonly CredentialUse[];
  note(credentialUid: string, use: CredentialUse): void;
}

const MOST_CREDENTIALS = 10_000;

export function createCredentialUses(): CredentialUses {
  const uses = createBoundedMap<readonly CredentialUse[]>(MOST_CREDENTIALS);
  const of = (credentialUid: string) => uses.get(credentialUid) ?? [];
  return {
    of,
    note(credentialUid, use) {
      const others = of(credentialUid).filter(({ requester }) => requester !== use.requester);
      uses.set(credentialUid, [use, ...others].slice(0, 2));
    },
  };
}
