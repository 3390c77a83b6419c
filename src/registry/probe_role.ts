import type { Timestamp } from '../model/clock.ts';
import type { Credential } from '../model/credential.ts';
import { type CredentialRole, presentOrder, rolesOf } from '../model/credential_role.ts';
import type { ProbeReport } from './probe.ts';

/** With what each credential does from now on. `credentials` are all of the app, as they are after the probe. */
export function withRoles(
  probes: readonly ProbeReport[],
  credentials: readonly Credential[],
  now: Timestamp,
): readonly ProbeReport[] {
  const roles = rolesOf(credentials, now);
  const [best] = presentOrder(credentials, now);
  const first = best?.credentialId;
  return probes.map((probe) => {
    const credential = credentials.find(({ credentialId }) => credentialId === probe.credentialId);
    const role = credential && roles.get(credential.uid);
    if (role === undefined || first === undefined) return probe;
    // The refused ones come last: where one of them is first, nothing serves.
    if (best?.verdict === 'REJECTED') return { ...probe, message: `${probe.message} No credential of the app serves.` };
    const does = first === probe.credentialId ? 'is presented first' : DOES[role](first);
    const { outcome, message } = probe;
    const told = outcome === 'ACCEPTED' ? `${message.replace(/\.$/, ';')} it ${does}.` : `${message} It ${does}.`;
    return { ...probe, message: told };
  });
}

const DOES = {
  PREFERRED: () => 'is presented first',
  FALLBACK: (first) => `serves when ${first} is refused`,
  TRIAL: (first) =>
    `is on trial: presented first now and then, and always once it has proved itself; ${first} serves else`,
  PROBING: (first) => `is presented when nothing else is left; ${first} serves`,
  NONE: () => 'is not presented now, by its times',
} as const satisfies Record<CredentialRole, (first: string) => string>;
