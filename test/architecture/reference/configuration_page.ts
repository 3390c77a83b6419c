/** `docs/configuration.md`: every environment variable, from the schemas that parse them. */
import type { z } from 'zod';
import { CLI_PREFIX, cliVariables } from '../../../src/config/cli_settings.ts';
import { VARIABLE_SECTIONS } from '../../../src/config/environment_variable_schema.ts';
import { PLATFORM_VARIABLES } from '../../../src/config/platform_variables.ts';
import { PREFIX } from '../../../src/config/read_config_from_environment.ts';
import { PROXY_VARIABLES } from '../../../src/config/read_proxy_variables.ts';
import { TRACING_VARIABLES } from '../../../src/config/read_tracing_variables.ts';
import { type VariableText, valueFormats, variableTexts } from '../../../src/config/variable_texts.ts';
import { code, head, list, paragraph } from './markdown.ts';

export interface Variable {
  readonly name: string;
  readonly text: string;
  readonly format: string;
  readonly unset: string;
  readonly secret: string | undefined;
  readonly reread: string | undefined;
  /** The command line only. */
  readonly field?: string;
}

interface Section {
  readonly title: string;
  readonly intro: string | undefined;
  readonly variables: readonly Variable[];
}

export function configurationPage(): string {
  const sections = variableSections();
  return (
    head('Configuration', ['src/config/']) +
    paragraph(
      'Every environment variable of the vault and of its command line. How to use them is in [production.md](production.md); the files of a deployment are in [deployment.md](deployment.md).',
    ) +
    list([
      'No variable is required: without any, the vault listens on loopback only. A variable that others require says so.',
      'An empty variable counts as not set. A value that begins or ends with white space, or a `TOKENVAULT_…` variable that does not exist, is an error. All errors are reported at once, with [exit code 78](errors.md#exit-codes).',
      'Variables are read at the start, so **a change needs a restart**. Where "Read again" is given, a change of the *file* needs none.',
      'No value is secret, unless "Secret" says so. Secrets are in files: keep those readable by the vault alone.',
      '`npm run token-vault -- config check` checks variables and files without a start.',
    ]) +
    sections.map(sectionText).join('') +
    files()
  );
}

/** All variables that the page has. */
export function variableSections(): readonly Section[] {
  return [
    ...Object.entries(VARIABLE_SECTIONS).map(([title, schemas]) => ({
      title,
      intro: undefined,
      variables: Object.entries(schemas).map(([name, schema]) => variableOf(`${PREFIX}${name}`, schema)),
    })),
    { title: 'Proxy', intro: undefined, variables: textsOf(PROXY_VARIABLES) },
    {
      title: 'Traces',
      intro: 'The standard variables of OpenTelemetry.',
      variables: textsOf(TRACING_VARIABLES),
    },
    {
      title: 'Node, Azure and systemd',
      intro: 'Variables of the platform that change what the vault does.',
      variables: textsOf(PLATFORM_VARIABLES),
    },
    {
      title: 'The command line',
      intro:
        'Settings of the commands that call a running vault. An option of a command overrides the variable, and the variable overrides the field of the file ([commands.md](commands.md#access-to-the-vault)). `serve` ignores them.',
      variables: Object.entries(cliVariables).map(([field, schema]) => ({
        ...variableOf(`${CLI_PREFIX}${field.toUpperCase()}`, schema),
        ...(field === 'config_file' ? {} : { field }),
      })),
    },
  ];
}

function textsOf(variables: Readonly<Record<string, VariableText>>): Variable[] {
  return Object.entries(variables).map(([name, { text, format = '', unset = '', secret, reread }]) => ({
    name,
    text,
    format,
    unset,
    secret,
    reread,
  }));
}

function variableOf(name: string, schema: z.ZodType): Variable {
  const { text = '', format, unset, secret, reread } = variableTexts.get(schema) ?? {};
  return { name, text, format: format ?? formatOf(schema), unset: unset ?? defaultOf(schema), secret, reread };
}

/** Of the schema, or of the one that it wraps; of an enumeration its values. */
function formatOf(schema: z.core.$ZodType): string {
  const registered = valueFormats.get(schema);
  if (registered !== undefined) return registered.format;
  const { def } = schema._zod;
  if ('innerType' in def) return formatOf(def.innerType as z.core.$ZodType);
  if ('in' in def) return formatOf(def.in as z.core.$ZodType);
  return 'entries' in def
    ? Object.values(def.entries as object)
        .map(code)
        .join(', ')
    : '';
}

function defaultOf(schema: z.core.$ZodType): string {
  const { def } = schema._zod;
  return 'defaultValue' in def ? code(String(def.defaultValue)) : '';
}

function sectionText({ title, intro, variables }: Section): string {
  return `## ${title}\n\n${intro === undefined ? '' : paragraph(intro)}${variables.map(variableText).join('')}`;
}

function variableText({ name, text, format, unset, secret, reread, field }: Variable): string {
  return `### ${name}\n\n${paragraph(text)}${list([
    `Value: ${format}`,
    `Default: ${unset}`,
    field && `Option \`--${field.replaceAll('_', '-')}\`, field \`${field}\` of the file`,
    secret && `Secret: ${secret}`,
    reread && `Read again: ${reread}`,
  ])}`;
}

function files(): string {
  return (
    '## Files\n\n' +
    list([
      'Callers file (`TOKENVAULT_CALLERS_FILE`), YAML: [callers](production.md#callers), [tokens of callers](caller-tokens.md).',
      'Sinks file (`TOKENVAULT_SINKS_FILE`), YAML: [configure a sink](events.md#configure-a-sink).',
      'Scope catalogs (`TOKENVAULT_CATALOGS_DIR`), YAML: [src/scopes/catalogs](../src/scopes/catalogs) has examples.',
      'Settings of the command line (`cli.yaml`): [access to the vault](commands.md#access-to-the-vault).',
    ]).trimEnd() +
    '\n'
  );
}
