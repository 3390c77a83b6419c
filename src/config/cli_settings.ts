import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config_error.ts';
import { readTextFile, readYaml } from './read_yaml_file.ts';
import { strayCharacters } from './stray_characters.ts';
import { valueFormats, variableTexts } from './variable_texts.ts';

/** Where commands find a vault, and what they authenticate with, unless options say so. */
export interface CliSettings {
  /** Of the admin listener: `host:port` or `unix:/path`. */
  readonly address?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  /** CA of the vault's certificate. Enables TLS, also on loopback. */
  readonly caFile?: string | undefined;
  /** No TLS beyond loopback, because another layer encrypts. */
  readonly plaintext?: boolean | undefined;
  /** Client certificate, which authenticates the caller unless there is an API key. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

export const CLI_ADDRESS = /^(unix:.+|[^/\s]+:\d{1,5})$/;
export const CLI_ADDRESS_FORM = 'host:port without http://, such as 127.0.0.1:50052, or unix:/path';

export const CLI_PREFIX = 'TOKENVAULT_CLI_';

const path = z.string().min(1, 'must be a path').register(valueFormats, { format: 'path of a file' });
const onOrOff = z.enum(['on', 'off'], 'must be on or off').transform((text) => text === 'on');

const files = {
  api_key_file: path.clone().register(variableTexts, {
    text: 'The API key or token of a caller, alone in the file.',
    unset: 'calls have no `authorization` header',
    secret: 'the content of the file',
  }),
  ca_file: path.clone().register(variableTexts, {
    text: "CA of the vault's certificate, in PEM. It enables TLS, also on loopback.",
    unset: "TLS beyond loopback trusts Node's CAs",
  }),
  cert_file: path.clone().register(variableTexts, {
    text: 'Client certificate of a caller, in PEM, with its intermediate CAs. Set it together with the key.',
    unset: 'no client certificate is presented',
  }),
  key_file: path.clone().register(variableTexts, {
    text: 'Key of the client certificate, in PEM.',
    unset: 'no client certificate is presented',
    secret: 'the content of the file',
  }),
};

const address = z.string().regex(CLI_ADDRESS, `must be ${CLI_ADDRESS_FORM}`).register(variableTexts, {
  text: 'The admin listener of the vault.',
  format: '`HOST:PORT`, without `http://`, or `unix:/path`',
  unset: '`127.0.0.1:50052`',
});

const fileSchema = z.strictObject({ address, plaintext: z.boolean('must be true or false'), ...files }).partial();

/** The variables of commands that call a vault, without their prefix, in lower case. */
export const cliVariables = {
  address,
  ...files,
  plaintext: onOrOff.register(variableTexts, {
    text: 'No TLS beyond loopback, because another layer encrypts, such as a service mesh. In the file: `true` or `false`.',
    unset: '`off`',
  }),
  config_file: path.clone().register(variableTexts, {
    text: 'The file with these settings, in YAML.',
    unset: '`$XDG_CONFIG_HOME/token-vault/cli.yaml`, or `~/.config/token-vault/cli.yaml`',
  }),
};
const variablesSchema = z.strictObject(cliVariables).partial();

/** The variables override the file. Throws ConfigError, or FIELD_INVALID for the file. */
export function readSettings(variables: Variables): CliSettings {
  const { config_file: named, ...given } = readVariables(variables);
  return settingsOf({ ...readFile(named ?? usualFile(variables), named !== undefined), ...given });
}

/** An empty variable counts as not set. */
function readVariables(variables: Variables) {
  const given = Object.entries(variables)
    .filter(([name, value]) => name.startsWith(CLI_PREFIX) && value !== undefined && value !== '')
    .map(([name, value = '']) => [name.slice(CLI_PREFIX.length).toLowerCase(), value] as const);
  const stray = given.flatMap(([name, value]) => {
    const fault = strayCharacters(value);
    return fault === undefined ? [] : [faultOf(name, fault)];
  });
  const parsed = variablesSchema.safeParse(Object.fromEntries(given.map(([name, value]) => [name, value.trim()])));
  const faults = (parsed.error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => faultOf(name, 'is not a variable of the command line; check its spelling'))
      : [faultOf(String(issue.path[0]), issue.message)],
  );
  if (!parsed.success || stray.length > 0) throw new ConfigError([...stray, ...faults]);
  return parsed.data;
}

function faultOf(name: string, fault: string): string {
  return `${CLI_PREFIX}${name.toUpperCase()}: ${fault}`;
}

/** XDG Base Directory Specification: a relative path is ignored. */
function usualFile({ XDG_CONFIG_HOME: folder = '', HOME: home = '' }: Variables): string | undefined {
  if (isAbsolute(folder)) return join(folder, 'token-vault/cli.yaml');
  return isAbsolute(home) ? join(home, '.config/token-vault/cli.yaml') : undefined;
}

/** Paths in the file are relative to its folder. */
function readFile(file: string | undefined, mustExist: boolean) {
  if (file === undefined || !(mustExist || existsSync(file))) return {};
  const settings = readYaml(readTextFile(file, 'settings of the command line'), file, fileSchema);
  const paths = Object.keys(files).flatMap((name) => {
    const value = settings[name as keyof typeof files];
    return value === undefined ? [] : [[name, resolve(dirname(file), value)] as const];
  });
  return { ...settings, ...Object.fromEntries(paths) };
}

function settingsOf(values: z.output<typeof fileSchema>): CliSettings {
  return {
    address: values.address,
    plaintext: values.plaintext,
    apiKeyFile: values.api_key_file,
    caFile: values.ca_file,
    certFile: values.cert_file,
    keyFile: values.key_file,
  };
}
