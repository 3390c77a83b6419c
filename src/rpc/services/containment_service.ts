import type { Contained, ContainmentOperations } from '../../containment/containment_operations.ts';
import type { ContainmentSubject } from '../../gen/tokenvault/v1/containment_pb.ts';
import type { ContainmentService } from '../../gen/tokenvault/v1/containment_service_pb.ts';
import { parseSubject } from '../../model/containment.ts';
import {
  fromSubjectMessage,
  toContainmentMessage,
  toReplicaMessages,
} from '../messages/containment_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';
import type { Authenticator } from '../pipeline/authenticator.ts';
import type { Call } from '../pipeline/call_context.ts';

export function createContainmentService({
  containmentOperations: operations,
  authenticator,
}: {
  readonly containmentOperations: ContainmentOperations;
  readonly authenticator: Pick<Authenticator, 'known'>;
}): Implementation<typeof ContainmentService> {
  /** The audit log has what is contained, and why. */
  function read(request: Request, call: Call) {
    const subject = fromSubjectMessage(request.subject);
    call.resource = subject;
    call.note = request.reason;
    return { subject, reason: request.reason, caller: call.caller.id };
  }

  /** A misspelt subject is contained as well, and protects nothing. */
  function unknownCaller(subject: string): string | undefined {
    const parsed = parseSubject(subject);
    if (parsed?.kind !== 'caller' || authenticator.known().some(({ id }) => id === parsed.id)) return;
    return `The callers file of this replica has no caller ${parsed.id}. Check the id.`;
  }

  return {
    async contain(request, call) {
      const wanted = read(request, call);
      const result = await operations.contain(wanted);
      const isMissing = (await operations.exists(wanted.subject)) === false;
      const missing = isMissing ? `${wanted.subject} does not exist at present. Check the name.` : undefined;
      return {
        containment: toContainmentMessage({ ...result.containment, isLocal: false }),
        replicas: toReplicaMessages(result.replicas),
        warning: textOf(unknownCaller(wanted.subject), missing, replicaWarning(result)),
      };
    },
    async lift(request, call) {
      const wanted = read(request, call);
      const result = await operations.lift(wanted);
      return {
        lifted: result.wasContained,
        replicas: toReplicaMessages(result.replicas),
        warning: textOf(stillContained(wanted.subject), replicaWarning(result)),
      };
    },
    listContainments() {
      return { containments: operations.list().map(toContainmentMessage), replica: operations.replica };
    },
    containLocal(request, call) {
      const wanted = read(request, call);
      const containment = operations.containLocal(wanted);
      return {
        containment: toContainmentMessage({ ...containment, isLocal: true }),
        replica: operations.replica,
        warning: textOf(unknownCaller(wanted.subject)),
      };
    },
    liftLocal(request, call) {
      const wanted = read(request, call);
      const lifted = operations.liftLocal(wanted);
      return { lifted, replica: operations.replica, warning: textOf(stillContained(wanted.subject)) };
    },
  };

  function stillContained(subject: string): string | undefined {
    const left = operations.list().find((one) => one.subject === subject);
    if (left === undefined) return undefined;
    return left.isLocal
      ? `${subject} is still contained at this replica by ContainLocal. Lift that with LiftLocal.`
      : `${subject} is still contained on all replicas. Lift that with Lift.`;
  }
}

interface Request {
  readonly subject?: ContainmentSubject | undefined;
  readonly reason: string;
}

function replicaWarning({ replicas }: Pick<Contained, 'replicas'>): string | undefined {
  if (replicas === undefined) return 'The change is stored. Which replicas have applied it cannot be read.';
  const late = replicas.filter(({ isApplied }) => !isApplied).map(({ name }) => name);
  if (late.length === 0) return undefined;
  return `Not applied yet at ${late.join(', ')}. Call again; or stop a replica that does not apply it.`;
}

function textOf(...warnings: readonly (string | undefined)[]): string {
  return warnings.filter((warning) => warning !== undefined).join(' ');
}
