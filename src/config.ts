import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';

/** Where a listener stands: `host:port`, or `unix:/path`. */
export type Address = string;

export interface Config {
  readonly grpcAddress: Address;
  readonly adminAddress: Address;
  readonly webAddress: Address;
  readonly opsAddress: Address;
  /** Where browsers reach the web listener; no trailing slash. */
  readonly publicUrl: string;
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string | undefined }
    | undefined;
  /** `mesh`: something else encrypts, so plaintext may leave the machine. */
  readonly plaintext: 'loopback' | 'mesh';
  readonly databaseUrl: string;
  readonly databasePasswordFile: string | undefined;
  readonly keySource: string;
  readonly callersFile: string | undefined;
  readonly catalogsDir: string | undefined;
  /** `-` for standard output. */
  readonly auditFile: string;
  readonly auditRotateBytes: number;
  /** Stands in for Entra as cloud CUSTOM; its resources keep the names of the public cloud. */
  readonly customCloud: { readonly loginUrl: string } | undefined;
  /** `on`: start the pretend Entra in this process; a URL: use one that runs already. The clock follows it. */
  readonly sandbox: 'off' | 'on' | { readonly url: string };
  readonly sandboxAddress: Address;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** The faults of the whole environment, told at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

const address = z.string().refine(isAddress, 'must be host:port (such as 127.0.0.1:50051) or unix:/path');
const url = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an absolute http or https URL',
  )
  .transform((text) => text.replace(/\/+$/, ''));
const customUrl = url.refine(
  (text) => new URL(text).protocol === 'https:' || isLoopback(new URL(text).hostname),
  'may be plain http on loopback only, since secrets travel there',
);
const sandboxUrl = url.refine((text) => isLoopback(new URL(text).hostname), 'must be on loopback');
const file = z.string().min(1, 'must be a path');

/** One row a variable; names without the prefix `TOKENVAULT_`. */
const schema = z
  .object({
    GRPC_ADDRESS: address.default('127.0.0.1:50051'),
    ADMIN_ADDRESS: address.default('127.0.0.1:50052'),
    WEB_ADDRESS: address.default('127.0.0.1:8080'),
    OPS_ADDRESS: address.default('127.0.0.1:9090'),
    PUBLIC_URL: url.default('http://127.0.0.1:8080'),
    TLS_CERT_FILE: file.optional(),
    TLS_KEY_FILE: file.optional(),
    TLS_CLIENT_CA_FILE: file.optional(),
    PLAINTEXT: z.enum(['loopback', 'mesh'], 'must be loopback or mesh').default('loopback'),
    DATABASE_URL: z
      .string()
      .refine((text) => /^(sqlite:.+|postgres(ql)?:\/\/.+)$/.test(text), 'must be sqlite:PATH or postgres://…')
      .refine(
        (text) => !/^postgres.*:\/\/[^/]*:[^/]*@/.test(text),
        'must not hold a password; name a file in TOKENVAULT_DATABASE_PASSWORD_FILE',
      )
      .default('sqlite:./data/vault.db'),
    DATABASE_PASSWORD_FILE: file.optional(),
    KEY_SOURCE: z
      .string()
      .refine(
        (text) => /^(file:.+|keyvault-secret:https:\/\/.+)$/.test(text),
        'must be file:PATH or keyvault-secret:https://…',
      )
      .default('file:./keys/kek'),
    CALLERS_FILE: file.optional(),
    CATALOGS_DIR: file.optional(),
    AUDIT_FILE: file.default('./data/audit.jsonl'),
    AUDIT_ROTATE_BYTES: z.coerce
      .number('must be a number of bytes')
      .int()
      .min(2 ** 20, 'must be at least 1048576')
      .default(2 ** 30),
    CUSTOM_CLOUD_LOGIN_URL: customUrl.optional(),
    SANDBOX: z
      .union([z.enum(['on', 'off']), sandboxUrl], 'must be on, off, or the http address of a sandbox on loopback')
      .default('off'),
    SANDBOX_ADDRESS: address.refine((text) => isLoopbackAddress(text), 'must be on loopback').default('127.0.0.1:8400'),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error').default('info'),
  })
  .strict();

const PREFIX = 'TOKENVAULT_';

/** Kubernetes tells every pod of a Service called `tokenvault…` by variables such as TOKENVAULT_SERVICE_HOST and TOKENVAULT_PORT_8080_TCP_ADDR. */
const SERVICE_LINK = /^(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;

/** Reads the whole environment; throws ConfigError with every fault in it. An empty variable counts as absent. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(environment)
      .filter(([name, value]) => name.startsWith(PREFIX) && value !== '')
      .map(([name, value]) => [name.slice(PREFIX.length), value] as const)
      .filter(([name]) => !SERVICE_LINK.test(name)),
  );
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap(faultsOf));
  const env = parsed.data;
  const config: Config = {
    grpcAddress: env.GRPC_ADDRESS,
    adminAddress: env.ADMIN_ADDRESS,
    webAddress: env.WEB_ADDRESS,
    opsAddress: env.OPS_ADDRESS,
    publicUrl: env.PUBLIC_URL,
    tls:
      env.TLS_CERT_FILE !== undefined && env.TLS_KEY_FILE !== undefined
        ? { certFile: env.TLS_CERT_FILE, keyFile: env.TLS_KEY_FILE, clientCaFile: env.TLS_CLIENT_CA_FILE }
        : undefined,
    plaintext: env.PLAINTEXT,
    databaseUrl: env.DATABASE_URL,
    databasePasswordFile: env.DATABASE_PASSWORD_FILE,
    keySource: env.KEY_SOURCE,
    callersFile: env.CALLERS_FILE,
    catalogsDir: env.CATALOGS_DIR,
    auditFile: env.AUDIT_FILE,
    auditRotateBytes: env.AUDIT_ROTATE_BYTES,
    customCloud: env.CUSTOM_CLOUD_LOGIN_URL === undefined ? undefined : { loginUrl: env.CUSTOM_CLOUD_LOGIN_URL },
    sandbox: env.SANDBOX === 'on' || env.SANDBOX === 'off' ? env.SANDBOX : { url: env.SANDBOX },
    sandboxAddress: env.SANDBOX_ADDRESS,
    logLevel: env.LOG_LEVEL,
  };
  const faults = contradictions(config, env);
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/** What each variable allows by itself but not beside another. */
function contradictions(config: Config, env: z.infer<typeof schema>): string[] {
  const faults: string[] = [];
  if ((env.TLS_CERT_FILE === undefined) !== (env.TLS_KEY_FILE === undefined)) {
    faults.push('TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE: give both or neither');
  }
  if (env.TLS_CLIENT_CA_FILE !== undefined && config.tls === undefined) {
    faults.push('TOKENVAULT_TLS_CLIENT_CA_FILE: needs TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE beside it');
  }
  if (config.sandbox !== 'off' && config.customCloud !== undefined) {
    faults.push('TOKENVAULT_SANDBOX makes the cloud CUSTOM by itself: leave TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL out');
  }
  for (const [name, where] of listeners(config)) {
    if (isLoopbackAddress(where)) continue;
    // Browsers call the web listener, and are nobody's callers.
    if (config.callersFile === undefined && name !== 'TOKENVAULT_WEB_ADDRESS') {
      faults.push(`${name}: ${where} is reachable from elsewhere, so TOKENVAULT_CALLERS_FILE must say who may call`);
    }
    if (config.tls === undefined && config.plaintext !== 'mesh') {
      faults.push(
        `${name}: ${where} is reachable from elsewhere; give TLS files, or TOKENVAULT_PLAINTEXT=mesh where a mesh encrypts`,
      );
    }
  }
  if (/^postgres/.test(config.databaseUrl)) {
    faults.push('TOKENVAULT_DATABASE_URL: PostgreSQL is not supported by this version yet; use sqlite:PATH');
  }
  return faults;
}

function listeners(config: Config): [string, Address][] {
  return [
    ['TOKENVAULT_GRPC_ADDRESS', config.grpcAddress],
    ['TOKENVAULT_ADMIN_ADDRESS', config.adminAddress],
    ['TOKENVAULT_WEB_ADDRESS', config.webAddress],
  ];
}

/** Backups of the folder would take both along. */
export function isKeyBesideDatabase({ keySource, databaseUrl }: Config): boolean {
  if (!keySource.startsWith('file:')) return false;
  const folderOf = (url: string) => resolve(dirname(url.slice(url.indexOf(':') + 1)));
  return `${folderOf(keySource)}/`.startsWith(`${folderOf(databaseUrl)}/`);
}

function isAddress(text: string): boolean {
  if (text.startsWith('unix:')) return text.length > 'unix:'.length;
  const port = /^(?:\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** A unix socket counts: who may reach it is the file system's to say. */
export function isLoopbackAddress(address: Address): boolean {
  if (address.startsWith('unix:')) return true;
  return isLoopback(address.slice(0, address.lastIndexOf(':')));
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function faultsOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${PREFIX}${key}: there is no such variable`);
  return [`${PREFIX}${issue.path.join('.')}: ${issue.message}`];
}
