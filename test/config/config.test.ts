import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config_error.ts';
import { isKeyNextToDatabase } from '../../src/config/conflicting_settings.ts';
import { readConfig } from '../../src/config/read_config_from_environment.ts';

const faultsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
};

test('an empty environment is valid, and listens on loopback only', () => {
  expect(readConfig({})).toMatchObject({
    grpcAddress: '127.0.0.1:50051',
    adminAddress: '127.0.0.1:50052',
    databaseUrl: 'sqlite:./data/vault.db',
    keySource: 'file:./keys/kek',
    sandbox: 'off',
  });
});

test('reports all faults at once, each by the name of its variable', () => {
  const faults = faultsOf({
    TOKENVAULT_GRPC_ADDRESS: 'nowhere',
    TOKENVAULT_SANDBOX: 'maybe',
    TOKENVAULT_GRCP_ADDRESS: '127.0.0.1:1',
    TOKENVAULT_LOG_LEVEL: '',
  });
  expect(faults).toEqual([
    expect.stringContaining('TOKENVAULT_GRPC_ADDRESS: must be host:port'),
    expect.stringContaining('TOKENVAULT_SANDBOX: must be on, off'),
    expect.stringContaining('TOKENVAULT_GRCP_ADDRESS: is not a variable of the vault'),
  ]);
});

test.each([
  ['a listener beyond loopback without callers and TLS', { TOKENVAULT_GRPC_ADDRESS: '0.0.0.0:50051' }, 2],
  [
    'the same in a mesh, without callers',
    { TOKENVAULT_GRPC_ADDRESS: '0.0.0.0:50051', TOKENVAULT_PLAINTEXT: 'mesh' },
    1,
  ],
  ['authorization codes in plain text beyond loopback', { TOKENVAULT_WEB_ADDRESS: '0.0.0.0:8080' }, 1],
  ['a TLS certificate without its key', { TOKENVAULT_TLS_CERT_FILE: 'c.pem' }, 1],
  ['TLS with a plain http public URL', { TOKENVAULT_TLS_CERT_FILE: 'c.pem', TOKENVAULT_TLS_KEY_FILE: 'k.pem' }, 1],
  [
    'a custom cloud with the sandbox',
    { TOKENVAULT_SANDBOX: 'on', TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL: 'https://login.example' },
    1,
  ],
  ['secrets over plain http', { TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL: 'http://login.example' }, 1],
  ['a password in the database URL', { TOKENVAULT_DATABASE_URL: 'postgres://vault:hunter2@db/vault' }, 1],
  ['settings of PostgreSQL for SQLite', { TOKENVAULT_DATABASE_POOL: '5', TOKENVAULT_MIGRATE: 'off' }, 2],
  [
    'a pool of one connection',
    { TOKENVAULT_DATABASE_URL: 'postgres://vault@db/vault', TOKENVAULT_DATABASE_POOL: '1' },
    1,
  ],
  [
    'a sandbox of its own for each replica',
    { TOKENVAULT_DATABASE_URL: 'postgres://vault@db/vault', TOKENVAULT_SANDBOX: 'on' },
    1,
  ],
  ['an unknown key source', { TOKENVAULT_KEY_SOURCE: 'env:KEK' }, 1],
  ['no connections at all', { TOKENVAULT_UNAUTHENTICATED_CONNECTIONS: '0' }, 1],
  ['a fraction of a connection', { TOKENVAULT_UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS: '1.5' }, 1],
  ['a sandbox beyond loopback', { TOKENVAULT_SANDBOX_ADDRESS: '0.0.0.0:8400' }, 1],
])('rejects %s', (_, environment, count) => {
  expect(faultsOf(environment)).toHaveLength(count);
});

test.each([
  ['12k', 'must be a number of connections'],
  ['999', 'must be at least 1000'],
  ['1000000.5', 'must be a whole number'],
  ['1000001', 'must be at most 1000000'],
])('names the setting if %s connections cannot be cached', (value, fault) => {
  const [found] = faultsOf({ TOKENVAULT_CACHED_CONNECTIONS: value });
  expect(found).toContain(`TOKENVAULT_CACHED_CONNECTIONS: ${fault}`);
});

test('keeps the tokens of 100,000 connections in memory, or of another number', () => {
  expect(readConfig({}).cachedConnections).toBe(100_000);
  expect(readConfig({ TOKENVAULT_CACHED_CONNECTIONS: '120000' }).cachedConnections).toBe(120_000);
});

test('limits unauthenticated connections per address, except in a mesh', () => {
  const limits = (environment: Record<string, string>) => readConfig(environment).unauthenticated;
  const own = {
    TOKENVAULT_UNAUTHENTICATED_CONNECTIONS: '100',
    TOKENVAULT_UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS: '5',
  };

  expect(limits({})).toEqual({ connections: 256, connectionsPerAddress: 32 });
  expect(limits(own)).toEqual({ connections: 100, connectionsPerAddress: 5 });
  expect(limits({ ...own, TOKENVAULT_PLAINTEXT: 'mesh' })).toEqual({
    connections: 100,
    connectionsPerAddress: undefined,
  });
});

test('ignores variables of Kubernetes about a Service called tokenvault', () => {
  const links = {
    TOKENVAULT_SERVICE_HOST: '10.0.0.1',
    TOKENVAULT_SERVICE_PORT: '50051',
    TOKENVAULT_SERVICE_PORT_GRPC: '50051',
    TOKENVAULT_PORT: 'tcp://10.0.0.1:50051',
    TOKENVAULT_PORT_50051_TCP: 'tcp://10.0.0.1:50051',
    TOKENVAULT_PORT_50051_TCP_ADDR: '10.0.0.1',
    TOKENVAULT_ADMIN_SERVICE_HOST: '10.0.0.2',
    TOKENVAULT_ADMIN_PORT_50052_TCP_PROTO: 'tcp',
  };
  expect(readConfig(links)).toEqual(readConfig({}));
  expect(faultsOf({ TOKENVAULT_REPORT: '1' })).toHaveLength(1);
});

test.each([
  ['file:./keys/kek', false],
  ['file:./data/kek', true],
  ['file:./data/keys/kek', true],
  ['file:./database/kek', false],
  ['keyvault-secret:https://acme.vault.azure.net/secrets/kek', false],
])('detects a root key in the folder of the database: %s', (keySource, expected) => {
  expect(isKeyNextToDatabase(readConfig({ TOKENVAULT_KEY_SOURCE: keySource }))).toBe(expected);
});

test('never quotes a value that may contain a secret', () => {
  const faults = faultsOf({ TOKENVAULT_DATABASE_URL: 'postgres://vault:hunter2@db/vault' });
  expect(faults.join()).not.toContain('hunter2');
});

test.each(['127.0.0.1:1', 'localhost:65535', '[::1]:50051', 'unix:/run/vault.sock'])(
  'treats %s as loopback',
  (address) => {
    expect(faultsOf({ TOKENVAULT_GRPC_ADDRESS: address })).toEqual([]);
  },
);

describe('thresholds', () => {
  test('have the documented defaults, and are sorted in descending order', () => {
    expect(readConfig({}).expiryThresholds).toEqual([60, 30, 14, 7, 3, 1, 0]);
    expect(readConfig({ TOKENVAULT_EXPIRY_THRESHOLDS: '1, 90,30' }).expiryThresholds).toEqual([90, 30, 1]);
  });

  test.each([
    '7;3',
    '7,,3',
    '-1',
    '1.5',
    '1e2',
    '731',
    '7,7',
    '07,7',
    'soon',
    Array.from({ length: 17 }).keys().toArray().join(),
  ])('rejects %s', (days) => {
    expect(faultsOf({ TOKENVAULT_EXPIRY_THRESHOLDS: days })).toEqual([
      expect.stringContaining('TOKENVAULT_EXPIRY_THRESHOLDS: must be 1 to 16 different whole numbers'),
    ]);
  });
});

describe('assertion files', () => {
  const filesOf = (TOKENVAULT_FEDERATED_FILES: string) => readConfig({ TOKENVAULT_FEDERATED_FILES }).federatedFiles;

  test('are none by default, and have a tenant each', () => {
    expect(readConfig({}).federatedFiles).toEqual([]);
    expect(filesOf('/run/tokens/{tenant}/, acme=/run/acme/token,beta=/run/beta/,beta=/run/beta/more')).toEqual([
      { tenantId: undefined, path: '/run/tokens/{tenant}' },
      { tenantId: 'acme', path: '/run/acme/token' },
      { tenantId: 'beta', path: '/run/beta' },
      { tenantId: 'beta', path: '/run/beta/more' },
    ]);
  });

  test.each([
    ['/run/tokens/', 'each entry must name its tenant'],
    ['/run/{tenant}/{tenant}/', 'each entry must name its tenant'],
    ['/run/tokens-{tenant}/', 'each entry must name its tenant'],
    ['acme=/run/{tenant}/', 'each entry must name its tenant'],
    ['acme=run/tokens', 'must be absolute paths'],
    ['acme=/run/../etc', 'must be absolute paths'],
    ['acme=/run//tokens', 'must be absolute paths'],
    ['acme=/', 'must be absolute paths'],
    ['acme=/run/a,', 'must be absolute paths'],
    ['Acme=/run/a', 'Acme is not the id of a tenant'],
    ['=/run/a', ' is not the id of a tenant'],
  ])('rejects %s', (text, fault) => {
    expect(faultsOf({ TOKENVAULT_FEDERATED_FILES: text })).toEqual([expect.stringContaining(fault)]);
  });

  test.each([
    'acme=/run/tokens,beta=/run/tokens/beta',
    'acme=/run/token,beta=/run/token',
    '/run/tokens/{tenant},acme=/run/tokens/beta/token',
    'acme=/run,/run/tokens/{tenant}',
    '/run/{tenant}/x,acme=/run/beta',
  ])('of two tenants must not overlap: %s', (text) => {
    expect(faultsOf({ TOKENVAULT_FEDERATED_FILES: text })).toEqual([
      expect.stringContaining('overlap, so a tenant could use the file of another tenant'),
    ]);
  });

  test.each([
    '/run/{tenant},acme=/run/acme/token',
    '/run/{tenant},/run/{tenant}/more',
    '/run/{tenant}/x,/run/x/{tenant}',
  ])('of one tenant may overlap: %s', (text) => expect(filesOf(text)).toHaveLength(2));

  test('are never the tokens of the vault itself', () => {
    const kubernetes = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    expect(readConfig({}).ownTokenFiles).toEqual([kubernetes]);
    expect(readConfig({ AZURE_FEDERATED_TOKEN_FILE: '/run/own' }).ownTokenFiles).toEqual([kubernetes, '/run/own']);
  });
});

describe('key vaults', () => {
  const FILE = { TOKENVAULT_EVENT_GRID_KEY_FILE: './event-grid.key' };

  test('are none by default, and are listed by origin', () => {
    expect(readConfig({}).keyVaults).toEqual([]);
    const TOKENVAULT_KEY_VAULTS = 'https://Acme.vault.azure.net/, https://127.0.0.1:8443';
    expect(readConfig({ TOKENVAULT_KEY_VAULTS, ...FILE })).toMatchObject({
      keyVaults: ['https://acme.vault.azure.net', 'https://127.0.0.1:8443'],
      eventGridKeyFile: './event-grid.key',
    });
  });

  test.each([
    'acme',
    'http://acme.vault.azure.net',
    'https://acme.vault.azure.net/secrets/mail',
    'https://acme.vault.azure.net,',
    'https://me@acme.vault.azure.net',
    'https://acme.vault.azure.net:99999',
    'https://1.2.3.4.5',
  ])('rejects %s', (text) => {
    expect(faultsOf({ TOKENVAULT_KEY_VAULTS: text })).toEqual([
      expect.stringContaining('TOKENVAULT_KEY_VAULTS: must be origins of key vaults'),
    ]);
  });

  test('are required for a key file of Event Grid', () => {
    expect(faultsOf(FILE)).toEqual([expect.stringMatching(/EVENT_GRID_KEY_FILE: .*TOKENVAULT_KEY_VAULTS/)]);
  });
});

test('reads the directory of systemd credentials', () => {
  expect(readConfig({ CREDENTIALS_DIRECTORY: '/run/credentials/token-vault.service' }, []).credentialsDirectory).toBe(
    '/run/credentials/token-vault.service',
  );
});

test('reads how long tokens in memory are served without the database', () => {
  const limit = (text: string) => readConfig({ TOKENVAULT_STALE_LIMIT: text }).staleLimit;

  expect(['', '90s', '10m', '1h'].map(limit)).toEqual([undefined, 90_000, 600_000, 3_600_000]);
  for (const text of ['10', '0s', '1d', '-5m', '1.5h']) {
    expect(faultsOf({ TOKENVAULT_STALE_LIMIT: text })).toEqual([
      'TOKENVAULT_STALE_LIMIT: must be a number of seconds, minutes or hours, such as 90s, 10m or 1h',
    ]);
  }
});
