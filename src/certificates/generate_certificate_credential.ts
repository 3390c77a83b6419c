import { type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import { createSelfSignedCertificate } from './create_self_signed_certificate.ts';

/** Entra's clock may be behind. */
const VALID_SINCE: Duration = 5 * MINUTE;

/** A certificate with a new key, as a credential stores it. `life` includes the time by which it is valid before it was made. */
export async function generateCertificate(
  { commonName, life }: { readonly commonName: string; readonly life: Duration },
  now: Timestamp,
) {
  const start = now - VALID_SINCE;
  const made = await createSelfSignedCertificate({ commonName, notBefore: start, expireTime: start + life });
  const { certificate: certificateChain, privateKey, thumbprint: hint, notBefore, expireTime } = made;
  return { material: { kind: 'CERTIFICATE', certificateChain, privateKey }, hint, notBefore, expireTime } as const;
}
