import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { ClientCertificate } from '../../model/client_certificate.ts';

type AuthContext = ReturnType<ServerInterceptingCallInterface['getAuthContext']> & {
  readonly clientCertificate?: ClientCertificate | undefined;
};

/** A call of grpc-js. */
export interface CertifiedCall {
  getAuthContext(): AuthContext;
}

/** The client certificate of a call's connection. */
export function clientCertificateOf(call: CertifiedCall): ClientCertificate | undefined {
  return call.getAuthContext().clientCertificate;
}
