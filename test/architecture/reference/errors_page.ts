/** `docs/errors.md`: every error reason, from the proto file and the code that answers it; and the exit codes. */
import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { whoActs } from '../../../clients/typescript/src/who_acts.ts';
import { EXIT, EXIT_TEXTS } from '../../../src/cli/exit_codes.ts';
import { METADATA_KEYS } from '../../../src/model/error_metadata_keys.ts';
import { type Actor, REASONS_BY_ACTOR, type Reason } from '../../../src/model/errors.ts';
import { RETRYABLE, STATUS } from '../../../src/rpc/pipeline/vault_error_to_grpc_status.ts';
import { KEYS } from '../../rpc/metadata_of_reasons.ts';
import { code, head, list, paragraph } from './markdown.ts';

const SECTIONS: Readonly<Record<Actor, string>> = {
  user: 'The user signs in',
  administrator: "The customer's administrator acts",
  app_operator: 'The operator repairs the app registration',
  operator: 'The operator acts',
  caller: 'The caller acts',
  callers_operator: 'The operator of the callers file acts',
  entra: 'Entra is the cause: retry',
  vault: 'A part of the vault is unavailable: retry',
  capacity: 'The vault is overloaded: retry later',
  rate: 'The caller is too fast: retry later',
  operator_at_once: 'The operator acts at once',
  developers: 'The maintainers of the vault act',
};

const PROTO = 'tokenvault/v1/error_reason.proto';
const PREFIX = 'ERROR_REASON_';

export function errorsPage(): string {
  const comments = reasonComments();
  return (
    head('Errors', [`proto/${PROTO}`, 'src/model/errors.ts']) +
    paragraph(
      'Every reason of a failed call, by who must act; then the keys of its metadata, and the exit codes of the program.',
    ) +
    list([
      'A failed call carries `google.rpc.ErrorInfo` with the domain `tokenvault`, the reason and the metadata. The message ends with the reason in brackets: `[SCOPE_UNKNOWN]`.',
      'Programs decide by the reason, never by the message. [clients.md](clients.md) has examples. Errors of the client packages also say who acts (`whoActs`).',
      'Retry only `UNAVAILABLE` and `RESOURCE_EXHAUSTED`, after the delay in `google.rpc.RetryInfo`.',
      'The browser pages and the events use the same reasons.',
    ]) +
    Object.entries(REASONS_BY_ACTOR)
      .map(
        ([actor, reasons]) =>
          `## ${SECTIONS[actor as Actor]}\n\n${reasons.map((reason) => reasonText(reason, comments)).join('')}`,
      )
      .join('') +
    `## Metadata\n\n${paragraph('The keys above are always there, and others of this list where they are known. All values are text.')}${list(Object.entries(METADATA_KEYS).map(([key, text]) => `${code(key)}: ${text}`))}` +
    exitCodes()
  );
}

function reasonText(reason: Reason, comments: ReadonlyMap<string, string>): string {
  const { text } = splitComment(comments.get(reason) ?? '');
  const keys = KEYS[reason] ?? [];
  return `### ${reason}\n\n${paragraph(text)}${list([
    `gRPC status: ${code(statusName(reason))}`,
    `Retry: ${retryOf(reason)}`,
    `Client packages: \`whoActs\` is ${code(whoActs(reason))}`,
    keys.length === 0 ? undefined : `Metadata: ${keys.map(code).join(', ')}`,
    `More: [runbook](runbook.md#${reason.toLowerCase()})`,
  ])}`;
}

function retryOf(reason: Reason): string {
  if (RETRYABLE.has(STATUS[reason])) return 'yes, after the delay in `RetryInfo`';
  return STATUS[reason] === status.ABORTED ? 'after reading the resource again' : 'no';
}

export function statusName(reason: Reason): string {
  return status[STATUS[reason]];
}

/** A comment of a reason begins with its status: `UNAVAILABLE, with RetryInfo. Entra does not respond…` */
export function splitComment(comment: string): { readonly status: string; readonly text: string } {
  const [, statusText = '', text = ''] = /^([A-Z_]+)(?:, with RetryInfo)?\. (.*)$/.exec(comment) ?? [];
  return { status: statusText, text };
}

/** By reason, in one line. In a descriptor, field 5 of a file is `enum_type`, and field 2 of an enum is `value`. */
export function reasonComments(): ReadonlyMap<string, string> {
  const bytes = readFileSync(new URL('../../../src/gen/descriptor_set.binpb', import.meta.url));
  const file = fromBinary(FileDescriptorSetSchema, bytes).file.find(({ name }) => name === PROTO);
  const values = file?.enumType[0]?.value ?? [];
  return new Map(
    values.map(({ name }, index) => {
      const path = [5, 0, 2, index].join('.');
      const location = file?.sourceCodeInfo?.location.find((candidate) => candidate.path.join('.') === path);
      return [name.replace(PREFIX, ''), (location?.leadingComments ?? '').trim().replaceAll(/\s+/g, ' ')];
    }),
  );
}

function exitCodes(): string {
  const codes = Object.entries(EXIT).map(([name, number]) => ({ number, ...EXIT_TEXTS[name as keyof typeof EXIT] }));
  return (
    '## Exit codes\n\n' +
    paragraph('Of `serve`, and whether a restart helps:') +
    list(
      codes.map(
        ({ number, serve, restart }) =>
          serve && `**${number}** ${serve}${restart === undefined ? '' : ` Does a restart help? ${restart}.`}`,
      ),
    ) +
    paragraph('Of the other commands. `--help` of each has its own list:') +
    list(codes.map(({ number, command }) => command && `**${number}** ${command}`)).trimEnd() +
    '\n'
  );
}
