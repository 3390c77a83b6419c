import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config_error.ts';
import { environment } from '../../src/config/environment_variable_schema.ts';
import { readConfig, readSandboxPort } from '../../src/config/read_config_from_environment.ts';

function faultsOf(variables: Record<string, string>, options: readonly string[] = []): readonly string[] {
  try {
    readConfig(variables, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

describe('stray characters', () => {
  const names = Object.keys(environment.shape).map((name) => `TOKENVAULT_${name}`);

  test.each([...names, 'HTTPS_PROXY', 'no_proxy'])('rejects %s with a carriage return at its end', (name) => {
    const variables = { HTTPS_PROXY: 'http://proxy.example', [name]: `x\r` };
    expect(faultsOf(variables)).toContain(`${name}: ends with a carriage return; remove it`);
  });

  test.each([
    ['sqlite:./data/vault.db ', 'ends with a blank'],
    [' sqlite:./data/vault.db', 'begins with a blank'],
    ['sqlite:./data/vault.db\t', 'ends with a tab'],
    ['sqlite:./data/vault.db\n', 'ends with a line break'],
    ['sqlite:./data/vault.db\u00a0', 'ends with a blank'],
    ['sqlite:./da\rta/vault.db', 'contains a control character'],
    [' ', 'ends with a blank'],
  ])('rejects %j: it %s', (value, words) => {
    expect(faultsOf({ TOKENVAULT_DATABASE_URL: value })).toEqual([
      expect.stringMatching(`^TOKENVAULT_DATABASE_URL: ${words}`),
    ]);
  });

  test('do not hide the other faults', () => {
    expect(faultsOf({ TOKENVAULT_LOG_LEVEL: 'info\r', TOKENVAULT_SANDBOX: 'maybe' })).toEqual([
      expect.stringContaining('TOKENVAULT_LOG_LEVEL: ends with a carriage return'),
      expect.stringContaining('TOKENVAULT_SANDBOX: must be on, off'),
    ]);
  });

  test('accepts a path with a blank inside', () => {
    expect(readConfig({ TOKENVAULT_AUDIT_FILE: './my data/audit.jsonl' }).auditFile).toBe('./my data/audit.jsonl');
  });
});

describe('the public URL', () => {
  test.each([
    ['HTTPS://Vault.Example.com', 'https://vault.example.com'],
    ['https://vault.example.com:443/', 'https://vault.example.com'],
    ['https://vault.example.com/Tokens//', 'https://vault.example.com/Tokens'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
  ])('%s is read as %s', (given, read) => {
    expect(readConfig({ TOKENVAULT_PUBLIC_URL: given }).publicUrl).toBe(read);
  });

  test.each([
    'https://vault.example.com/?x=1',
    'https://vault.example.com?',
    'https://vault.example.com/#x',
    'https://vault.example.com#',
    'https://me:pw@vault.example.com',
    'https://@vault.example.com',
    'https://vault.example.com/a b',
    'https://vault.example.com\\a',
    'https:\\\\vault.example.com',
    'https:vault.example.com',
    'https:///vault.example.com',
    'https://välut.example.com',
    'ftp://vault.example.com',
    'vault.example.com',
  ])('rejects %s', (given) => {
    expect(faultsOf({ TOKENVAULT_PUBLIC_URL: given })).toEqual([
      expect.stringMatching('^TOKENVAULT_PUBLIC_URL: must (be an absolute|have no)'),
    ]);
  });
});

describe('settings that expose secrets', () => {
  test.each([
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['NODE_DEBUG', 'http2'],
    ['NODE_DEBUG_NATIVE', 'tls'],
    ['GRPC_TRACE', 'all'],
    ['GRPC_NODE_TRACE', 'call_stream'],
    ['NODE_OPTIONS', '--max-old-space-size=512 --inspect=0.0.0.0:9229'],
    ['NODE_OPTIONS', '"--tls_keylog=/tmp/keys"'],
    ['NODE_OPTIONS', '--inspect-brk'],
    ['NODE_OPTIONS', '--heapsnapshot-signal=SIGUSR2'],
    ['NODE_OPTIONS', '--tls-min-v1.0'],
  ])('rejects %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name}: .*remove it`)]);
  });

  test.each([['--inspect'], ['--tls-keylog=/tmp/keys'], ['--trace-tls']])('rejects node %s', (option) => {
    expect(faultsOf({}, ['--enable-source-maps', option])).toEqual([
      expect.stringMatching(`^the command line of node: has ${option.replace(/=.*/, '')}`),
    ]);
  });

  test('accepts other settings', () => {
    const variables = {
      NODE_TLS_REJECT_UNAUTHORIZED: '1',
      NODE_DEBUG: '',
      NODE_OPTIONS: '--max-old-space-size=512',
      GRPC_VERBOSITY: 'ERROR',
    };
    expect(faultsOf(variables, ['--enable-source-maps'])).toEqual([]);
  });
});

describe('the port of the sandbox program', () => {
  test.each([
    [{}, 8400],
    [{ TOKENVAULT_SANDBOX_ADDRESS: '' }, 8400],
    [{ TOKENVAULT_SANDBOX_ADDRESS: '127.0.0.1:8500', TOKENVAULT_LOG_LEVEL: 'no level' }, 8500],
  ])('of %j is %d', (variables, port) => {
    expect(readSandboxPort(variables)).toBe(port);
  });

  test.each(['8500', '0.0.0.0:8500', '[::1]:8500', 'unix:/run/sandbox', '127.0.0.1:8500\r'])(
    'rejects %j',
    (address) => {
      expect(() => readSandboxPort({ TOKENVAULT_SANDBOX_ADDRESS: address })).toThrow(/TOKENVAULT_SANDBOX_ADDRESS: /);
    },
  );
});

describe('the proxy', () => {
  const proxyOf = (variables: Record<string, string>) => {
    const { proxy } = readConfig(variables);
    return proxy && { url: proxy.url.reveal(), host: proxy.host, noProxy: proxy.noProxy };
  };

  test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: '' }, undefined],
    [{ HTTP_PROXY: 'http://p:1', ALL_PROXY: 'http://p:1', grpc_proxy: 'http://p:1' }, undefined],
    [{ HTTPS_PROXY: 'http://P.example:3128' }, { url: 'http://p.example:3128/', host: 'p.example:3128', noProxy: '' }],
    [
      { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower', NO_PROXY: 'a', no_proxy: 'b,c' },
      { url: 'http://lower/', host: 'lower:80', noProxy: 'b,c' },
    ],
    [
      { https_proxy: '', HTTPS_PROXY: 'https://me:pw@p.example', NO_PROXY: '*' },
      { url: 'https://me:pw@p.example/', host: 'p.example:443', noProxy: '*' },
    ],
    [
      { HTTPS_PROXY: 'proxy.example:3128' },
      { url: 'http://proxy.example:3128/', host: 'proxy.example:3128', noProxy: '' },
    ],
  ] as const)('of %j is %j', (variables, proxy) => {
    expect(proxyOf(variables)).toEqual(proxy);
  });

  test.each(['socks5://me:canary@p:1', 'http://me:canary@', 'http://me:canary@p:99999', 'http://me:canary%zz@p:1'])(
    'rejects %s without quoting its password',
    (value) => {
      const faults = faultsOf({ HTTPS_PROXY: value });
      expect(faults).toEqual([expect.stringMatching('^HTTPS_PROXY: must be the http or https address of a proxy')]);
      expect(faults.join()).not.toContain('canary');
    },
  );

  test('cannot be printed with its password', () => {
    const config = readConfig({ HTTPS_PROXY: 'http://me:canary@p:1' });
    expect(JSON.stringify(config)).not.toContain('canary');
  });
});
