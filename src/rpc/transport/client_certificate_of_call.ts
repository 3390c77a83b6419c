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

/** The method of the calls of a connection, in place of the one of grpc-js, which parses the certificate each time. */
export function authContextOf(clientCertificate: ClientCertificate | undefined): CertifiedCall['getAuthContext'] {
  const context: AuthContext = { clientCertificate };
  return () => context;
}
