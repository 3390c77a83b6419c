import { type Duration, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';

/** What Key Vault was asked for. */
export interface KeyVaultObject {
  readonly kind: 'secret' | 'key' | 'certificate' | 'signing key';
  /** Origin, such as `https://acme.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly name: string;
}

/** The last response of Key Vault, without secrets. */
export interface KeyVaultResponse {
  status?: number;
  /** The header, in seconds. */
  retryAfter?: string | undefined;
  /** More specific than the status. */
  refusal?: Refusal | undefined;
}

type Refusal = keyof typeof REFUSALS;

/** By `error.innererror.code`; other codes are explained by the status. */
const REFUSALS = {
  SecretDisabled: 'reports that this version is disabled (HTTP 403). Enable it, or set a new one',
  KeyDisabled: 'reports that this version is disabled (HTTP 403). Enable it',
  ForbiddenByFirewall: 'does not let this network through its firewall (HTTP 403). Allow it, or use a private endpoint',
  ForbiddenByConnection: 'accepts private connections only (HTTP 403). Give this network a private endpoint to it',
} as const;

const PERMISSIONS: Readonly<Record<KeyVaultObject['kind'], string>> = {
  secret: 'get and list on secrets (role "Key Vault Secrets User")',
  key: 'get, wrap key and unwrap key on keys (role "Key Vault Crypto Service Encryption User")',
  certificate: 'get on certificates (role "Key Vault Reader")',
  'signing key': 'sign on keys (role "Key Vault Crypto User")',
};

const NEXT_STEPS: Readonly<Record<number, (kind: KeyVaultObject['kind']) => string>> = {
  401: () =>
    'does not accept the identity of this process (HTTP 401). Check the directory and client of the credential',
  403: (kind) =>
    `refuses (HTTP 403). Give the identity of this process ${PERMISSIONS[kind]}, ` +
    "and let its network through the vault's firewall",
  404: (kind) => `does not know the ${kind} (HTTP 404). Check the address, and whether the ${kind} was deleted`,
  429: () => 'is throttling (HTTP 429). Try again later',
};

/**
 * Never passes on the SDK's errors, not even as a cause: a RestError contains the request with its bearer token, and
 * its message quotes a body that could not be parsed, which may be the key.
 */
export function explainKeyVaultFailure(
  { kind, vaultUrl, name }: KeyVaultObject,
  { status, retryAfter, refusal }: KeyVaultResponse,
  error: unknown,
  timeout: Duration,
): VaultError {
  const code = errorCode(error);
  const problem = refusal === undefined ? fault(kind, status, code, timeout) : REFUSALS[refusal];
  const seconds = Number(retryAfter);
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `Key Vault ${vaultUrl}, asked for the ${kind} ${name}, ${problem}.`, {
    ...(retryAfter !== undefined && seconds > 0 && { retryAfter: seconds * SECOND }),
    cause: new Error(`${error instanceof Error ? error.name : 'error'} ${code}, last status ${status ?? 'none'}`),
  });
}

function fault(kind: KeyVaultObject['kind'], status: number | undefined, code: string, timeout: Duration): string {
  if (status !== undefined && status >= 400) {
    return NEXT_STEPS[status]?.(kind) ?? `failed (HTTP ${status}). Try again later; Azure's status page shows outages`;
  }
  if (code === 'TimeoutError' || code === 'AbortError') {
    return `did not answer within ${timeout / SECOND} s. Check the network and the sign-in of this process`;
  }
  if (
    code === 'CredentialUnavailableError' ||
    code === 'AuthenticationRequiredError' ||
    code === 'AggregateAuthenticationError'
  ) {
    return 'was not reached: this process has no Azure identity. Give it a managed or workload identity';
  }
  return status === undefined
    ? `cannot be reached (${code}). Check the address, the network and the sign-in of this process`
    : `sent a response that cannot be read (${code})`;
}

// Codes (ENOTFOUND, CERT_HAS_EXPIRED) and names of errors are fixed texts; messages are not.
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** From the body of an error response, as the SDK provides it. */
export function refusalOf(error: unknown): Refusal | undefined {
  const { details } = error as { details?: { error?: { innerError?: { code?: unknown } } } };
  const code = details?.error?.innerError?.code;
  return typeof code === 'string' && Object.hasOwn(REFUSALS, code) ? (code as Refusal) : undefined;
}
