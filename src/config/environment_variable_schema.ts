import { z } from 'zod';
import { type Duration, HOUR, MINUTE, SECOND } from '../model/clock.ts';
import { isLoopbackHost, parseListenAddress } from '../model/listen_address.ts';
import { readFederatedFiles } from './parse_allowed_federated_files.ts';
import { readClientCaFiles } from './parse_client_ca_files.ts';
import { readManagedIdentities } from './parse_managed_identities.ts';

const address = z
  .string()
  .refine(
    (text) => parseListenAddress(text) !== undefined,
    'must be host:port (such as 127.0.0.1:50051) or unix:/path',
  );

/**
 * A base URL in canonical form: scheme and host in lower case, without the default port or a slash at the end. Parsers
 * disagree on backslashes and on text before an @, and a redirect URI has no fragment (RFC 6749, 3.1.2).
 */
const url = z
  .string()
  .refine(
    (text) =>
      /^https?:\/\/[^/]/i.test(text) && /^[\x21-\x7e]+$/.test(text) && !text.includes('\\') && URL.canParse(text),
    { error: 'must be an absolute http or https URL, without blanks and backslashes', abort: true },
  )
  .refine((text) => !/^[^/]*\/\/[^/?#]*@/.test(text), { error: 'must have no user name or password', abort: true })
  .refine((text) => !/[?#]/.test(text), { error: 'must have no query and no fragment', abort: true })
  .transform((text) => {
    const { origin, pathname } = new URL(text);
    return `${origin}${pathname}`.replace(/\/+$/, '');
  });
const customUrl = url.refine(
  (text) => new URL(text).protocol === 'https:' || isLoopbackHost(new URL(text).hostname),
  'must be https; http is allowed on loopback only, because secrets are sent there',
);
const sandboxUrl = url.refine((text) => isLoopbackHost(new URL(text).hostname), 'must be on loopback');
const file = z.string().min(1, 'must be a path');

const connections = z.coerce
  .number('must be a number of connections')
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(1_000, 'must be at most 1000');

const UNITS: Readonly<Record<string, Duration>> = { s: SECOND, m: MINUTE, h: HOUR };

const duration = z.string().transform((text, context) => {
  const [, count, unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  const length = UNITS[unit];
  if (length !== undefined) return Number(count) * length;
  context.addIssue('must be a number of seconds, minutes or hours, such as 90s, 10m or 1h');
  return z.NEVER;
});

const thresholds = z.string().transform((text, context) => {
  const words = text.split(',').map((word) => word.trim());
  const days = words.map(Number);
  if (words.every((word) => /^\d{1,3}$/.test(word)) && areThresholds(days)) return days.toSorted((a, b) => b - a);
  context.addIssue('must be 1 to 16 different whole numbers of days from 0 to 730, such as 60,30,14,7,3,1,0');
  return z.NEVER;
});

/** Thresholds of a tenant have the same limits. */
function areThresholds(days: readonly number[]): boolean {
  return days.length <= 16 && new Set(days).size === days.length && days.every((day) => day <= 730);
}

const keyVaults = z.string().transform((text, context) => {
  const urls = text.split(',').map((part) => part.trim().replace(/\/+$/, '').toLowerCase());
  if (urls.every(isOrigin)) return urls;
  context.addIssue('must be origins of key vaults, such as https://acme.vault.azure.net,https://other.vault.azure.net');
  return z.NEVER;
});

const federatedFiles = z.string().transform((text, context) => {
  const read = readFederatedFiles(text);
  if (!('fault' in read)) return read;
  context.addIssue(read.fault);
  return z.NEVER;
});

const clientCaFiles = z.string().transform((text, context) => {
  const read = readClientCaFiles(text);
  if (!('fault' in read)) return read;
  context.addIssue(read.fault);
  return z.NEVER;
});

function isOrigin(text: string): boolean {
  return /^https:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/.test(text) && URL.canParse(text);
}

const hasNoPassword = (text: string) => !/^postgres.*:\/\/[^/]*:[^/]*@/.test(text);
const PASSWORD_ADVICE = 'must not contain a password; name a file in TOKENVAULT_DATABASE_PASSWORD_FILE';
const postgresUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:\/\/.+$/.test(text), 'must be postgres://…')
  .refine(hasNoPassword, PASSWORD_ADVICE);

const poolSize = z.coerce
  .number('must be a number of connections')
  .int('must be a whole number')
  .min(2, 'must be at least 2')
  .max(100, 'must be at most 100');

const managedIdentities = z.string().transform((text, context) => {
  const read = readManagedIdentities(text);
  if (!('fault' in read)) return read;
  context.addIssue(read.fault);
  return z.NEVER;
});

/** A `Map` that grows beyond a million entries stops the event loop for half a second or longer. */
const cachedConnections = z.coerce
  .number('must be a number of connections')
  .int('must be a whole number')
  .min(1_000, 'must be at least 1000')
  .max(1_000_000, 'must be at most 1000000');

/** The environment variables, without the prefix `TOKENVAULT_`. */
export const environment = z
  .object({
    GRPC_ADDRESS: address.default('127.0.0.1:50051'),
    ADMIN_ADDRESS: address.default('127.0.0.1:50052'),
    WEB_ADDRESS: address.default('127.0.0.1:8080'),
    OPS_ADDRESS: address.default('127.0.0.1:9090'),
    PUBLIC_URL: url.prefault('http://127.0.0.1:8080'),
    TLS_CERT_FILE: file.optional(),
    TLS_KEY_FILE: file.optional(),
    TLS_CLIENT_CA_FILE: clientCaFiles.optional(),
    UNAUTHENTICATED_CONNECTIONS: connections.default(256),
    UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS: connections.default(32),
    PLAINTEXT: z.enum(['loopback', 'mesh'], 'must be loopback or mesh').default('loopback'),
    HTTP2_STREAMS: z.enum(['own', 'native'], 'must be own or native').default('own'),
    DATABASE_URL: z
      .string()
      .refine((text) => /^(sqlite:.+|postgres(ql)?:\/\/.+)$/.test(text), 'must be sqlite:PATH or postgres://…')
      .refine(hasNoPassword, PASSWORD_ADVICE)
      .default('sqlite:./data/vault.db'),
    DATABASE_PASSWORD_FILE: file.optional(),
    DATABASE_CA_FILE: file.optional(),
    DATABASE_POOL: poolSize.optional(),
    DATABASE_PREPARE: z.enum(['unnamed', 'named'], 'must be unnamed or named').optional(),
    DATABASE_LISTEN_URL: postgresUrl.optional(),
    MIGRATE: z.enum(['on', 'off'], 'must be on or off').optional(),
    STALE_LIMIT: duration.optional(),
    CACHED_CONNECTIONS: cachedConnections.default(100_000),
    KEY_SOURCE: z
      .string()
      .refine(
        (text) => /^(file:.+|keyvault-secret:https:\/\/.+|keyvault-key:https:\/\/[^,]+,.+)$/.test(text),
        'must be file:PATH, keyvault-secret:https://… or keyvault-key:https://…,PATH',
      )
      .default('file:./keys/kek'),
    CALLERS_FILE: file.optional(),
    CATALOGS_DIR: file.optional(),
    SINKS_FILE: file.optional(),
    KEY_VAULTS: keyVaults.optional(),
    FEDERATED_FILES: federatedFiles.optional(),
    MANAGED_IDENTITIES: managedIdentities.optional(),
    EVENT_GRID_KEY_FILE: file.optional(),
    AUDIT_FILE: file.default('./data/audit.jsonl'),
    AUDIT_ROTATE_BYTES: z.coerce
      .number('must be a number of bytes')
      .int()
      .min(2 ** 20, 'must be at least 1048576')
      .default(2 ** 30),
    EXPIRY_THRESHOLDS: thresholds.prefault('60,30,14,7,3,1,0'),
    CUSTOM_CLOUD_LOGIN_URL: customUrl.optional(),
    CUSTOM_CLOUD_GRAPH_URL: customUrl.optional(),
    SANDBOX: z
      .union([z.enum(['on', 'off']), sandboxUrl], 'must be on, off, or the http address of a sandbox on loopback')
      .default('off'),
    SANDBOX_ADDRESS: address
      .refine(
        (text) => /^(127\.0\.0\.1|localhost):/.test(text),
        'must be 127.0.0.1:PORT, because the sandbox listens on loopback only',
      )
      .transform((text) => Number(text.split(':')[1]))
      .prefault('127.0.0.1:8400'),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error').default('info'),
  })
  .strict();

export type Environment = z.infer<typeof environment>;
