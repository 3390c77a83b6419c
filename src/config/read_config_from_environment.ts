import type { z } from 'zod';
import { type CliSettings, readSettings } from './cli_settings.ts';
import { ConfigError } from './config_error.ts';
import type { Config } from './config_interface.ts';
import { contradictions } from './conflicting_settings.ts';
import { DEFAULT_POOL_SIZE, type Environment, environment } from './environment_variable_schema.ts';
import type { PLATFORM_VARIABLES } from './platform_variables.ts';
import { readProxy } from './read_proxy_variables.ts';
import { readTracing } from './read_tracing_variables.ts';
import { strayCharacters } from './stray_characters.ts';
import { unsafeSettings } from './unsafe_node_settings.ts';

type Variables = Readonly<Record<string, string | undefined>>;
type PlatformVariables = Readonly<Partial<Record<keyof typeof PLATFORM_VARIABLES, string | undefined>>>;

export const PREFIX = 'TOKENVAULT_';

/** The token of the pod's service account. */
const KUBERNETES_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Kubernetes sets variables such as TOKENVAULT_SERVICE_HOST in every pod if a Service is called `tokenvault…`. */
const SERVICE_LINK = /^(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;

/**
 * Reads the environment and the options that Node was started with. Throws ConfigError with all faults at once. An
 * empty variable counts as not set. No value is changed silently (ADR 25).
 */
export function readConfig(variables: Variables = process.env, options: readonly string[] = process.execArgv): Config {
  const given = Object.entries(variables)
    .filter(([name, value]) => name.startsWith(PREFIX) && value !== undefined && value !== '')
    .map(([name, value = '']) => [name.slice(PREFIX.length), value] as const)
    .filter(([name]) => !name.startsWith('CLI_') && !SERVICE_LINK.test(name));
  const stray = new Map(
    given.flatMap(([name, value]) => {
      const fault = strayCharacters(value);
      return fault === undefined ? [] : [[name, `${PREFIX}${name}: ${fault}`] as const];
    }),
  );
  const { proxy, faults: proxyFaults } = readProxy(variables);
  const { tracing, faults: tracingFaults } = readTracing(variables);
  const outside = [...stray.values(), ...proxyFaults, ...tracingFaults, ...unsafeSettings(variables, options)];
  const parsed = environment.safeParse(Object.fromEntries(given.map(([name, value]) => [name, value.trim()])));
  if (!parsed.success) {
    // Stray characters can cause the other faults of a value.
    const others = parsed.error.issues.filter(({ path }) => !stray.has(String(path[0])));
    throw new ConfigError([...outside, ...others.flatMap(faultsOf)]);
  }
  const env = parsed.data;
  const config = { ...configOf(env, variables), proxy, tracing };
  const faults = [...outside, ...contradictions(config, env)];
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/** Of the commands that call a vault. Throws ConfigError, or FIELD_INVALID for their file. */
export function readCliSettings(variables: Variables = process.env): CliSettings {
  return readSettings(variables);
}

/** Port of `token-vault sandbox`, unless an option sets it. Throws ConfigError. */
export function readSandboxPort(variables: Variables = process.env): number {
  const value = variables['TOKENVAULT_SANDBOX_ADDRESS'] || undefined;
  const parsed = environment.shape.SANDBOX_ADDRESS.safeParse(value);
  const fault = value === undefined ? undefined : strayCharacters(value);
  if (parsed.success && fault === undefined) return parsed.data;
  const words = fault === undefined ? (parsed.error?.issues.map(({ message }) => message) ?? []) : [fault];
  throw new ConfigError(words.map((word) => `TOKENVAULT_SANDBOX_ADDRESS: ${word}`));
}

function configOf(env: Environment, variables: PlatformVariables): Omit<Config, 'proxy' | 'tracing'> {
  const azureToken = variables['AZURE_FEDERATED_TOKEN_FILE'];
  return {
    grpcAddress: env.GRPC_ADDRESS,
    adminAddress: env.ADMIN_ADDRESS,
    webAddress: env.WEB_ADDRESS,
    opsAddress: env.OPS_ADDRESS,
    publicUrl: env.PUBLIC_URL,
    tls:
      env.TLS_CERT_FILE !== undefined && env.TLS_KEY_FILE !== undefined
        ? { certFile: env.TLS_CERT_FILE, keyFile: env.TLS_KEY_FILE, clientCaFiles: env.TLS_CLIENT_CA_FILE ?? [] }
        : undefined,
    plaintext: env.PLAINTEXT,
    unauthenticated: {
      connections: env.UNAUTHENTICATED_CONNECTIONS,
      connectionsPerAddress: env.PLAINTEXT === 'mesh' ? undefined : env.UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS,
    },
    http2Streams: env.HTTP2_STREAMS,
    databaseUrl: env.DATABASE_URL,
    postgres: {
      passwordFile: env.DATABASE_PASSWORD_FILE,
      caFile: env.DATABASE_CA_FILE,
      poolSize: env.DATABASE_POOL ?? DEFAULT_POOL_SIZE,
      namedStatements: env.DATABASE_PREPARE === 'named',
      listenUrl: env.DATABASE_LISTEN_URL,
      migrate: env.MIGRATE !== 'off',
    },
    staleLimit: env.STALE_LIMIT,
    cachedConnections: env.CACHED_CONNECTIONS,
    keySource: env.KEY_SOURCE,
    // systemd.exec(5), "Credentials".
    credentialsDirectory: variables['CREDENTIALS_DIRECTORY'],
    callersFile: env.CALLERS_FILE,
    catalogsDir: env.CATALOGS_DIR,
    sinksFile: env.SINKS_FILE,
    keyVaults: env.KEY_VAULTS ?? [],
    federatedFiles: env.FEDERATED_FILES ?? [],
    managedIdentities: env.MANAGED_IDENTITIES ?? [],
    ownTokenFiles: [KUBERNETES_TOKEN, ...(azureToken ? [azureToken] : [])],
    eventGridKeyFile: env.EVENT_GRID_KEY_FILE,
    auditFile: env.AUDIT_FILE,
    auditRotateBytes: env.AUDIT_ROTATE_BYTES,
    expiryThresholds: env.EXPIRY_THRESHOLDS,
    customCloud:
      env.CUSTOM_CLOUD_LOGIN_URL === undefined
        ? undefined
        : { loginUrl: env.CUSTOM_CLOUD_LOGIN_URL, graphUrl: env.CUSTOM_CLOUD_GRAPH_URL },
    sandbox: env.SANDBOX === 'on' || env.SANDBOX === 'off' ? env.SANDBOX : { url: env.SANDBOX },
    sandboxPort: env.SANDBOX_ADDRESS,
    logLevel: env.LOG_LEVEL,
  };
}

function faultsOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${PREFIX}${key}: is not a variable of the vault; check its spelling`);
  return [`${PREFIX}${issue.path.join('.')}: ${issue.message}`];
}
