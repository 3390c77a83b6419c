import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainmentSubjectSchema } from '../../gen/tokenvault/v1/containment_pb.ts';
import {
  ContainLocalResponseSchema,
  ContainResponseSchema,
  LiftLocalResponseSchema,
  LiftResponseSchema,
  ListContainmentsResponseSchema,
} from '../../gen/tokenvault/v1/containment_service_pb.ts';
import type { VaultAccess } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { EXIT } from '../exit_codes.ts';
import { messageJson } from '../message_json.ts';
import { containmentsText, replicasText, subjectText, warningText } from './format_containments.ts';

/** Exactly one of them. */
export interface SubjectFlags {
  readonly caller?: string;
  readonly app?: string;
  readonly directory?: string;
  readonly tenant?: string;
  readonly all?: true;
}

export interface ListFlags extends VaultAccess {
  readonly json?: true;
}

export interface ChangeFlags extends ListFlags, SubjectFlags {
  readonly reason: string;
  readonly local?: true;
}

/** Contains a subject, prints which replicas have applied it, and returns the exit code. */
export function contain(flags: ChangeFlags): Promise<number> {
  const request = { subject: subjectOf(flags), reason: flags.reason };
  if (flags.local) {
    return callVault(flags, async ({ containments: service }) => {
      const response = await service.containLocal(request);
      const { containment, replica, warning } = response;
      const text = `Contained at ${replica} until its process ends: ${subjectText(containment?.subject)}.`;
      print(flags, messageJson(ContainLocalResponseSchema, response), [text, ...warningText(warning)]);
      return EXIT.OK;
    });
  }
  return callVault(flags, async ({ containments: service }) => {
    const response = await service.contain(request);
    const { containment, replicas, warning } = response;
    const text = `Contained: ${subjectText(containment?.subject)}.`;
    const lines = [text, ...replicasText(replicas), ...warningText(warning)];
    print(flags, messageJson(ContainResponseSchema, response), lines);
    return exitCodeOf(replicas);
  });
}

/** Lifts a containment, prints which replicas have applied it, and returns the exit code. */
export function lift(flags: ChangeFlags): Promise<number> {
  const request = { subject: subjectOf(flags), reason: flags.reason };
  if (flags.local) {
    return callVault(flags, async ({ containments: service }) => {
      const response = await service.liftLocal(request);
      const { lifted, replica, warning } = response;
      const text = lifted
        ? `The containment is lifted at ${replica}.`
        : `There was no containment of it at ${replica} alone.`;
      print(flags, messageJson(LiftLocalResponseSchema, response), [text, ...warningText(warning)]);
      return EXIT.OK;
    });
  }
  return callVault(flags, async ({ containments: service }) => {
    const response = await service.lift(request);
    const { lifted, replicas, warning } = response;
    const text = lifted ? 'The containment is lifted.' : 'There was no containment of it. See containment list.';
    print(flags, messageJson(LiftResponseSchema, response), [text, ...replicasText(replicas), ...warningText(warning)]);
    return exitCodeOf(replicas);
  });
}

/** Prints what is contained, and returns the exit code. */
export function list(flags: ListFlags): Promise<number> {
  return callVault(flags, async ({ containments: service }) => {
    const response = await service.listContainments({});
    const text = containmentsText(response.containments, response.replica);
    print(flags, messageJson(ListContainmentsResponseSchema, response), [text]);
    return EXIT.OK;
  });
}

function subjectOf(flags: SubjectFlags): MessageInitShape<typeof ContainmentSubjectSchema> {
  const { caller, app, directory, tenant } = flags;
  if (caller !== undefined) return { subject: { case: 'caller', value: caller } };
  if (app !== undefined) return { subject: { case: 'app', value: app } };
  if (directory !== undefined) return { subject: { case: 'directoryId', value: directory } };
  if (tenant !== undefined) return { subject: { case: 'tenant', value: tenant } };
  return { subject: { case: 'all', value: true } };
}

function exitCodeOf(replicas: readonly { readonly applied: boolean }[]): number {
  return replicas.length > 0 && replicas.every(({ applied }) => applied) ? EXIT.OK : EXIT.TEMPORARY_FAILURE;
}

function print({ json }: Pick<ListFlags, 'json'>, object: string, lines: readonly string[]): void {
  console.log(json ? object : lines.join('\n'));
}
