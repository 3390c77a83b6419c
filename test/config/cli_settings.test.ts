import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCliSettings, readConfig } from '../../src/config/read_config_from_environment.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

function homeWith(text: string): string {
  const home = temporaryFolder();
  mkdirSync(join(home, '.config/token-vault'), { recursive: true });
  writeFileSync(join(home, '.config/token-vault/cli.yaml'), text);
  return home;
}

test('variables override the file, whose paths are relative to its folder', () => {
  const HOME = homeWith(
    'address: vault.example:50052\napi_key_file: ops.key\nca_file: /etc/ca.pem\nplaintext: false\n',
  );
  expect(readCliSettings({ HOME, TOKENVAULT_CLI_ADDRESS: '127.0.0.1:1', TOKENVAULT_CLI_PLAINTEXT: 'on' })).toEqual({
    address: '127.0.0.1:1',
    apiKeyFile: join(HOME, '.config/token-vault/ops.key'),
    caFile: '/etc/ca.pem',
    plaintext: true,
  });
});

test('the file is found by TOKENVAULT_CLI_CONFIG_FILE, XDG_CONFIG_HOME or HOME, in this order', () => {
  const HOME = homeWith('address: "home:1"');
  const XDG_CONFIG_HOME = join(homeWith('address: "xdg:1"'), '.config');
  const TOKENVAULT_CLI_CONFIG_FILE = join(homeWith('address: "named:1"'), '.config/token-vault/cli.yaml');
  expect(readCliSettings({ HOME, XDG_CONFIG_HOME, TOKENVAULT_CLI_CONFIG_FILE }).address).toBe('named:1');
  expect(readCliSettings({ HOME, XDG_CONFIG_HOME }).address).toBe('xdg:1');
  expect(readCliSettings({ HOME, XDG_CONFIG_HOME: 'relative' }).address).toBe('home:1');
});

test('without variables and file there are no settings, and an empty variable counts as not set', () => {
  expect(readCliSettings({ HOME: temporaryFolder(), TOKENVAULT_CLI_CA_FILE: '' })).toEqual({});
  expect(readCliSettings({})).toEqual({});
});

test.each([
  ['an unknown variable', { TOKENVAULT_CLI_ADRESS: 'a:1' }, 'TOKENVAULT_CLI_ADRESS: is not a variable'],
  ['an address with a scheme', { TOKENVAULT_CLI_ADDRESS: 'http://a:1' }, 'TOKENVAULT_CLI_ADDRESS: must be host:port'],
  ['a blank at the end', { TOKENVAULT_CLI_KEY_FILE: 'key ' }, 'TOKENVAULT_CLI_KEY_FILE: ends with a blank'],
  ['plaintext: yes', { TOKENVAULT_CLI_PLAINTEXT: 'yes' }, 'TOKENVAULT_CLI_PLAINTEXT: must be on or off'],
  ['a file that does not exist', { TOKENVAULT_CLI_CONFIG_FILE: '/nowhere/cli.yaml' }, 'Cannot read the settings'],
])('%s is refused with its name', (_, variables, message) => {
  expect(() => readCliSettings(variables)).toThrow(message);
});

test.each([
  ['an unknown field', 'adress: "a:1"', 'unknown fields: adress'],
  ['a field of another type', 'plaintext: maybe', 'plaintext must be'],
  ['a file that is not YAML', '{', 'is not valid YAML'],
])('%s of the file is refused with its name', (_, text, message) => {
  expect(() => readCliSettings({ HOME: homeWith(text) })).toThrow(message);
});

test('serve ignores the variables of the commands', () => {
  const serve = { TOKENVAULT_PUBLIC_URL: 'https://vault.example', TOKENVAULT_CLI_ADDRESS: 'http://wrong' };
  expect(() => readConfig(serve, [])).not.toThrow();
});
