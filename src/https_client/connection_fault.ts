/** Why a request got no response, as a closed set of codes: messages of other components may contain addresses. */
export type ConnectionFault =
  | 'timeout'
  | 'tls'
  | 'refused'
  | 'dns'
  | 'unreachable'
  /** The connection was closed early, or did not use HTTP. */
  | 'closed';

const BY_CODE: Readonly<Record<string, ConnectionFault>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EPROTO: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  INVALID_CA: 'tls',
  INVALID_PURPOSE: 'tls',
};

/** Node uses the names of OpenSSL (node:tls, "X509 certificate error codes"). */
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERROR_IN_C|PATH_LENGTH)/;

export function connectionFaultOf(error: unknown): ConnectionFault {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | undefined)?.cause) ?? '';
  return BY_CODE[code] ?? (TLS.test(code) ? 'tls' : 'closed');
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
