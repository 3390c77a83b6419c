import { VaultError } from '../../model/errors.ts';
import type { CallMetadata } from '../../telemetry/tracing_interface.ts';
import { type CertifiedCall, clientCertificateOf } from '../transport/client_certificate_of_call.ts';
import type { Presented } from './authenticator.ts';

/** The parts of a grpc-js call with the credentials of its caller. */
export interface PresentingCall extends CertifiedCall {
  readonly metadata: CallMetadata;
}

/** UNAUTHENTICATED: more than one `authorization` header. `peer`: address and port. */
export function presentedBy(wire: PresentingCall, peer: string): Presented {
  const authorizations = wire.metadata.get('authorization');
  if (authorizations.length > 1)
    throw new VaultError('UNAUTHENTICATED', 'The call has more than one `authorization` header. Send one.');
  return presented(wire, authorizations, peer);
}

/** With the first `authorization` header. */
export function firstPresentedBy(wire: PresentingCall, peer: string): Presented {
  return presented(wire, wire.metadata.get('authorization'), peer);
}

function presented(wire: PresentingCall, authorizations: ReturnType<CallMetadata['get']>, peer: string): Presented {
  const authorization = authorizations[0] as string | undefined;
  return { authorization, certificate: clientCertificateOf(wire), connection: peer };
}
