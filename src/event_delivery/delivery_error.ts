/** Why a try failed, in words of our own: what foreign errors say can quote addresses. */
export type DeliveryError =
  | `HTTP ${number}`
  | 'timeout'
  | 'redirect'
  | 'tls'
  | 'refused'
  | 'dns'
  | 'unreachable'
  /** The connection was cut, or spoke no HTTP. */
  | 'closed'
  /** No message could be made of the event: a mistake of the vault's own. */
  | 'unsendable';

const FAULTS: Readonly<Record<string, DeliveryError>> = {
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

/** Node passes on OpenSSL's names (node:tls, "X509 certificate error codes"). */
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERROR_IN_C|PATH_LENGTH)/;

/** Of an error that a request ended with. */
export function deliveryErrorOf(error: unknown): DeliveryError {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | undefined)?.cause) ?? '';
  return FAULTS[code] ?? (TLS.test(code) ? 'tls' : 'closed');
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Whether the next event would fare no better. Of a sink that refuses one event (400, 413, 422) the others are kept from nothing. */
export function isOfSink(fault: DeliveryError): boolean {
  return fault !== 'unsendable' && !/^HTTP (400|413|422)$/.test(fault);
}
