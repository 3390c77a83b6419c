import { z } from 'zod';
import { type Duration, HOUR, MINUTE, SECOND } from '../model/clock.ts';
import { isLoopbackHost, parseListenAddress } from '../model/listen_address.ts';
import { readFederatedFiles } from './parse_allowed_federated_files.ts';
import { readClientCaFiles } from './parse_client_ca_files.ts';
import { readManagedIdentities } from './parse_managed_identities.ts';
import { valueFormats, variableTexts } from './variable_texts.ts';

const address = z
  .string()
  .refine((text) => parseListenAddress(text) !== undefined, 'must be host:port (such as 127.0.0.1:50051) or unix:/path')
  .register(valueFormats, { format: '`HOST:PORT` or `unix:/path`' });

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
  })
  .register(valueFormats, { format: 'http or https URL, without query, fragment and user name' });
const customUrl = url
  .refine(
    (text) => new URL(text).protocol === 'https:' || isLoopbackHost(new URL(text).hostname),
    'must be https; http is allowed on loopback only, because secrets are sent there',
  )
  .register(valueFormats, { format: 'https URL, or http URL on loopback' });
const sandboxUrl = url.refine((text) => isLoopbackHost(new URL(text).hostname), 'must be on loopback');
const file = z.string().min(1, 'must be a path').register(valueFormats, { format: 'path of a file' });
const folder = z.string().min(1, 'must be a path').register(valueFormats, { format: 'path of a folder' });

const connections = z.coerce
  .number('must be a number of connections')
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(1_000, 'must be at most 1000')
  .register(valueFormats, { format: 'whole number from 1 to 1000' });

const UNITS: Readonly<Record<string, Duration>> = { s: SECOND, m: MINUTE, h: HOUR };

const duration = z
  .string()
  .transform((text, context) => {
    const [, count, unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
    const length = UNITS[unit];
    if (length !== undefined) return Number(count) * length;
    context.addIssue('must be a number of seconds, minutes or hours, such as 90s, 10m or 1h');
    return z.NEVER;
  })
  .register(valueFormats, { format: 'seconds, minutes or hours, such as `90s`, `10m` or `1h`' });

const thresholds = z
  .string()
  .transform((text, context) => {
    const words = text.split(',').map((word) => word.trim());
    const days = words.map(Number);
    if (words.every((word) => /^\d{1,3}$/.test(word)) && areThresholds(days)) return days.toSorted((a, b) => b - a);
    context.addIssue('must be 1 to 16 different whole numbers of days from 0 to 730, such as 60,30,14,7,3,1,0');
    return z.NEVER;
  })
  .register(valueFormats, { format: '1 to 16 whole numbers of days from 0 to 730, separated by commas' });

/** Thresholds of a tenant have the same limits. */
function areThresholds(days: readonly number[]): boolean {
  return days.length <= 16 && new Set(days).size === days.length && days.every((day) => day <= 730);
}

const keyVaults = z
  .string()
  .transform((text, context) => {
    const urls = text.split(',').map((part) => part.trim().replace(/\/+$/, '').toLowerCase());
    if (urls.every(isOrigin)) return urls;
    context.addIssue(
      'must be origins of key vaults, such as https://acme.vault.azure.net,https://other.vault.azure.net',
    );
    return z.NEVER;
  })
  .register(valueFormats, { format: '`https://NAME.vault.azure.net`, several separated by commas' });

const federatedFiles = z
  .string()
  .transform((text, context) => {
    const read = readFederatedFiles(text);
    if (!('fault' in read)) return read;
    context.addIssue(read.fault);
    return z.NEVER;
  })
  .register(valueFormats, {
    format:
      '`/run/tokens/{tenant}/` (a folder for each tenant) or `TENANT=/path` (one tenant), several separated by commas',
  });

const clientCaFiles = z
  .string()
  .transform((text, context) => {
    const read = readClientCaFiles(text);
    if (!('fault' in read)) return read;
    context.addIssue(read.fault);
    return z.NEVER;
  })
  .register(valueFormats, {
    format:
      '`spiffe://TRUST_DOMAIN=/path` (SPIFFE ids of this trust domain) or `dns=/path` (DNS names), several separated by commas',
  });

function isOrigin(text: string): boolean {
  return /^https:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/.test(text) && URL.canParse(text);
}

const hasNoPassword = (text: string) => !/^postgres.*:\/\/[^/]*:[^/]*@/.test(text);
const PASSWORD_ADVICE = 'must not contain a password; name a file in TOKENVAULT_DATABASE_PASSWORD_FILE';
const postgresUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:\/\/.+$/.test(text), 'must be postgres://…')
  .refine(hasNoPassword, PASSWORD_ADVICE)
  .register(valueFormats, { format: '`postgres://USER@HOST[:PORT]/DATABASE`, without a password' });

/** Not a default of the schema: the variable is an error without PostgreSQL. */
export const DEFAULT_POOL_SIZE = 10;

const poolSize = z.coerce
  .number('must be a number of connections')
  .int('must be a whole number')
  .min(2, 'must be at least 2')
  .max(100, 'must be at most 100')
  .register(valueFormats, { format: 'whole number from 2 to 100' });

const managedIdentities = z
  .string()
  .transform((text, context) => {
    const read = readManagedIdentities(text);
    if (!('fault' in read)) return read;
    context.addIssue(read.fault);
    return z.NEVER;
  })
  .register(valueFormats, {
    format: '`TENANT=CLIENT_ID`, several separated by commas',
  });

/** A `Map` that grows beyond a million entries stops the event loop for half a second or longer. */
const cachedConnections = z.coerce
  .number('must be a number of connections')
  .int('must be a whole number')
  .min(1_000, 'must be at least 1000')
  .max(1_000_000, 'must be at most 1000000')
  .register(valueFormats, { format: 'whole number from 1000 to 1000000' });

const bytes = z.coerce
  .number('must be a number of bytes')
  .int()
  .min(2 ** 20, 'must be at least 1048576')
  .register(valueFormats, { format: 'whole number, at least 1048576' });

const databaseUrl = z
  .string()
  .refine((text) => /^(sqlite:.+|postgres(ql)?:\/\/.+)$/.test(text), 'must be sqlite:PATH or postgres://…')
  .refine(hasNoPassword, PASSWORD_ADVICE)
  .register(valueFormats, {
    format: '`sqlite:PATH` or `postgres://USER@HOST[:PORT][,HOST…]/DATABASE`, without a password',
  });

const keySource = z
  .string()
  .refine(
    (text) => /^(file:.+|keyvault-secret:https:\/\/.+|keyvault-key:https:\/\/[^,]+,.+)$/.test(text),
    'must be file:PATH, keyvault-secret:https://… or keyvault-key:https://…,PATH',
  )
  .register(valueFormats, {
    format:
      '`file:PATH`, `keyvault-secret:https://NAME.vault.azure.net/secrets/SECRET` or `keyvault-key:https://NAME.vault.azure.net/keys/KEY,PATH`',
  });

const sandbox = z
  .union([z.enum(['on', 'off']), sandboxUrl], 'must be on, off, or the http address of a sandbox on loopback')
  .register(valueFormats, { format: '`on`, `off`, or the http URL of a sandbox on loopback' });

const sandboxAddress = address
  .refine(
    (text) => /^(127\.0\.0\.1|localhost):/.test(text),
    'must be 127.0.0.1:PORT, because the sandbox listens on loopback only',
  )
  .transform((text) => Number(text.split(':')[1]))
  .register(valueFormats, { format: '`127.0.0.1:PORT`' });

const network = {
  GRPC_ADDRESS: address.default('127.0.0.1:50051').register(variableTexts, {
    text: 'Listener for products: tokens, connections, scopes. Beyond loopback it needs a callers file, and TLS files or `TOKENVAULT_PLAINTEXT=mesh`.',
  }),
  ADMIN_ADDRESS: address.default('127.0.0.1:50052').register(variableTexts, {
    text: 'Listener for operators, with all services. Beyond loopback it needs the same as `TOKENVAULT_GRPC_ADDRESS`.',
  }),
  WEB_ADDRESS: address.default('127.0.0.1:8080').register(variableTexts, {
    text: 'Listener for browsers: pages, the callback of Entra, and events of Azure Event Grid. Beyond loopback it needs TLS files, or `TOKENVAULT_PLAINTEXT=mesh`.',
  }),
  OPS_ADDRESS: address.default('127.0.0.1:9090').register(variableTexts, {
    text: 'Listener for `/metrics`, `/livez` and `/readyz`. It has neither TLS nor authentication, so keep it internal.',
  }),
  PUBLIC_URL: url.prefault('http://127.0.0.1:8080').register(variableTexts, {
    text: 'Where browsers reach the web listener. The redirect URI of your apps is this URL plus `/oauth2/callback`. With TLS files it must be https.',
  }),
  TLS_CERT_FILE: file.optional().register(variableTexts, {
    text: 'Certificate of the gRPC and web listeners, in PEM, with its intermediate CAs. Set it together with `TOKENVAULT_TLS_KEY_FILE`.',
    unset: 'no TLS',
    reread: 'within ten seconds',
  }),
  TLS_KEY_FILE: file.optional().register(variableTexts, {
    text: 'Private key of the certificate, in PEM.',
    unset: 'no TLS',
    secret: 'the content of the file',
    reread: 'within ten seconds',
  }),
  TLS_CLIENT_CA_FILE: clientCaFiles.optional().register(variableTexts, {
    text: 'Root CAs of client certificates, in PEM, each file with the names that its CAs may sign: `spiffe://acme.example=/run/spire/bundle.pem,dns=/etc/pki/clients.pem`. It needs TLS files and a callers file. See [client certificates](production.md#client-certificates).',
    unset: 'no client certificates are requested',
    reread: 'within a second',
  }),
  UNAUTHENTICATED_CONNECTIONS: connections.default(256).register(variableTexts, {
    text: 'Most connections of one gRPC listener without an authenticated call. Above the limit, the vault closes the oldest one of the address that has most.',
  }),
  UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS: connections.default(32).register(variableTexts, {
    text: 'The same for one address. With `TOKENVAULT_PLAINTEXT=mesh` there is no limit per address, because all callers share one.',
  }),
  PLAINTEXT: z.enum(['loopback', 'mesh'], 'must be loopback or mesh').default('loopback').register(variableTexts, {
    text: 'Where listeners may do without TLS: `loopback` only, or `mesh`, beyond the machine too, because a service mesh encrypts.',
  }),
  HTTP2_STREAMS: z.enum(['own', 'native'], 'must be own or native').default('own').register(variableTexts, {
    text: 'How a connection keeps its open streams. `native` leaves them in the Map of Node, which costs CPU on long connections. It is for versions of Node in which the replacement does harm ([ADR 48](adr/0048-open-streams-in-no-map.md)).',
  }),
};

const storage = {
  DATABASE_URL: databaseUrl.default('sqlite:./data/vault.db').register(variableTexts, {
    text: 'SQLite: one process for each file. PostgreSQL: any number of processes. Beyond loopback and unix sockets (`?host=/run/postgresql`), PostgreSQL needs TLS with a verified certificate and host name; `?sslmode=disable` turns it off.',
  }),
  DATABASE_PASSWORD_FILE: file.optional().register(variableTexts, {
    text: 'Password of the PostgreSQL role.',
    unset: 'no password is sent',
    secret: 'the content of the file',
    reread: 'for each new connection',
  }),
  DATABASE_CA_FILE: file.optional().register(variableTexts, {
    text: "CA of the PostgreSQL server's certificate, in PEM.",
    unset: 'the CAs of the system',
  }),
  DATABASE_POOL: poolSize.optional().register(variableTexts, {
    text: 'Connections to PostgreSQL of one process.',
    unset: `${DEFAULT_POOL_SIZE}`,
  }),
  DATABASE_PREPARE: z.enum(['unnamed', 'named'], 'must be unnamed or named').optional().register(variableTexts, {
    text: 'Whether prepared statements have names, which saves the server some work. PgBouncer supports `named` from version 1.21 on.',
    unset: '`unnamed`',
  }),
  DATABASE_LISTEN_URL: postgresUrl.optional().register(variableTexts, {
    text: 'The PostgreSQL server itself, if `TOKENVAULT_DATABASE_URL` names PgBouncer: changes of other replicas then arrive by notification ([replicas](production.md#replicas)).',
    unset: 'as `TOKENVAULT_DATABASE_URL`; through PgBouncer, replicas poll',
  }),
  MIGRATE: z.enum(['on', 'off'], 'must be on or off').optional().register(variableTexts, {
    text: 'Whether the start migrates a PostgreSQL database. With `off`, the vault starts only on a migrated one: `token-vault database migrate --grant-to ROLE`, run as the owner of the tables, migrates it.',
    unset: '`on`',
  }),
  STALE_LIMIT: duration.optional().register(variableTexts, {
    text: 'How long a replica serves tokens from memory while it can read neither the changes of other replicas nor the database ([replicas](production.md#replicas)).',
    unset: 'until the tokens expire',
  }),
  CACHED_CONNECTIONS: cachedConnections.default(100_000).register(variableTexts, {
    text: "Most connections whose tokens each replica keeps in memory: about 6 KB for a token of 2 KB, so 600 MB for the default. While more are in use, those not used for long are read from the database again. Keep Node's heap at least twice as large as the cached tokens (`NODE_OPTIONS`).",
  }),
  KEY_SOURCE: keySource.default('file:./keys/kek').register(variableTexts, {
    text: 'The root key: a file, a secret in Azure Key Vault, or a file that an RSA key in Azure Key Vault unwraps ([the root key](runbook.md#the-root-key)).',
    secret: 'the content of the file',
  }),
  AUDIT_FILE: file.default('./data/audit.jsonl').register(variableTexts, {
    text: 'The audit log: a regular file, no link; `-` for standard output. About 600 bytes a call: 52 GB a day at 1,000 calls a second. Each replica needs a file of its own, on a persistent volume of its own ([the audit log](runbook.md#the-audit-log)).',
  }),
  AUDIT_ROTATE_BYTES: bytes.default(2 ** 30).register(variableTexts, {
    text: 'Size at which the file of the audit log is closed and the next one begins.',
  }),
  KEY_VAULTS: keyVaults.optional().register(variableTexts, {
    text: 'Azure key vaults whose secrets and certificates credentials may reference.',
    unset: 'none',
  }),
  FEDERATED_FILES: federatedFiles.optional().register(variableTexts, {
    text: 'Files with tokens of other identity providers that federated credentials may name.',
    unset: 'none',
    secret: 'the content of the files',
    reread: 'at each token request that uses it',
  }),
  MANAGED_IDENTITIES: managedIdentities.optional().register(variableTexts, {
    text: 'User-assigned managed identities that apps of a tenant may present ([runbook](runbook.md#app_credential_rejected)). Do not name the identity with which the vault itself signs in to Azure.',
    unset: 'none',
  }),
};

const peers = {
  CALLERS_FILE: file.optional().register(variableTexts, {
    text: 'Who may call, and what they may do, in YAML ([callers](production.md#callers)). `token-vault callers check FILE` checks it.',
    unset: 'only loopback may call, without a credential',
    reread: 'within a second; content that is not valid is not used',
  }),
  CATALOGS_DIR: folder.optional().register(variableTexts, {
    text: 'More scope catalogs, `*.yaml` as in [src/scopes/catalogs](../src/scopes/catalogs). A scope that needs a permission of your own API can say who consents to it: `user_consent` and `source`, which names an entry of `sources`.',
    unset: 'the built-in catalogs',
    reread: 'within two seconds; content that is not valid is not used',
  }),
  SINKS_FILE: file.optional().register(variableTexts, {
    text: 'The webhooks that receive events, in YAML ([events.md](events.md#configure-a-sink)).',
    unset: 'events are not sent to webhooks',
    reread: 'within two seconds; content that is not valid is not used',
  }),
  EVENT_GRID_KEY_FILE: file.optional().register(variableTexts, {
    text: 'The keys that Azure Event Grid presents at `/event-grid`, one in each line ([Azure Event Grid](runbook.md#azure-event-grid)). It needs `TOKENVAULT_KEY_VAULTS`.',
    unset: 'the endpoint does not exist',
    reread: 'within two seconds; content that is not valid is not used',
    secret: 'the content of the file',
  }),
  EXPIRY_THRESHOLDS: thresholds.prefault('60,30,14,7,3,1,0').register(variableTexts, {
    text: 'Days before the expiry of a credential at which the vault publishes an event, once each. A tenant may override them (`expiry_thresholds_days`).',
  }),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error')
    .default('info')
    .register(variableTexts, {
      text: 'Least level of the lines of the log: JSON on standard error ([log-events.md](log-events.md)). `debug` writes every request.',
    }),
};

const clouds = {
  CUSTOM_CLOUD_LOGIN_URL: customUrl.optional().register(variableTexts, {
    text: 'What the cloud `CUSTOM` of a tenant means: a gateway in front of Entra.',
    unset: 'no tenant can use the cloud',
  }),
  CUSTOM_CLOUD_GRAPH_URL: customUrl.optional().register(variableTexts, {
    text: 'Where the cloud `CUSTOM` has Microsoft Graph. It needs `TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL`.',
    unset: 'as in the public cloud',
  }),
  SANDBOX: sandbox.default('off').register(variableTexts, {
    text: 'The fake Entra: `on` starts one in the process, a URL uses one that runs. The vault follows its clock. Container images have no sandbox. On PostgreSQL it must be a URL, because all replicas use one.',
  }),
  SANDBOX_ADDRESS: sandboxAddress.prefault('127.0.0.1:8400').register(variableTexts, {
    text: 'Where the sandbox listens, also that of `npm run sandbox`.',
  }),
};

/** The variables by section of docs/configuration.md, without the prefix `TOKENVAULT_`. */
export const VARIABLE_SECTIONS = {
  Network: network,
  'Storage and keys': storage,
  'Callers, catalogs, events and log': peers,
  'Other clouds and the sandbox': clouds,
};

/** The environment variables, without the prefix `TOKENVAULT_`. */
export const environment = z.object({ ...network, ...storage, ...peers, ...clouds }).strict();

export type Environment = z.infer<typeof environment>;
