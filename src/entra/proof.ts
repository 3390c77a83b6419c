import type { Clock } from '../model/clock.ts';
import type { UsableCredential } from '../model/credential.ts';
import { createCertificateAssertions } from './certificate_assertion.ts';
import { readFederatedAssertion } from './federated_assertion.ts';
import type { Proof } from './msal_server.ts';

/** Makes what an app presents to Entra out of a credential. */
export interface Proofs {
  /** Undefined: it cannot be made here and now (an unreadable assertion file, a broken key); Entra was not asked. */
  make(usable: UsableCredential, request: { clientId: string; tokenEndpoint: string }): Promise<Proof | undefined>;
}

export function createProofs(clock: Clock): Proofs {
  const certificates = createCertificateAssertions(clock);
  return {
    async make({ credential, material }, request) {
      switch (material.kind) {
        case 'CLIENT_SECRET':
          return { clientSecret: material.clientSecret };
        case 'CERTIFICATE': {
          const { certificateChain, privateKey } = material;
          return attempt(certificates.get({ ...request, credentialUid: credential.uid, certificateChain, privateKey }));
        }
        case 'FEDERATED':
          return attempt(readFederatedAssertion(material.assertionFile));
      }
    },
  };
}

async function attempt(assertion: ReturnType<typeof readFederatedAssertion>): Promise<Proof | undefined> {
  try {
    return { assertion: await assertion };
  } catch {
    return undefined;
  }
}
