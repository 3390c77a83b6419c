import type { ResourceIssues } from '../../model/resource_issue.ts';
import type { StateReason } from '../../model/state_reason.ts';

/** JSON drops what is undefined; the model spells it out. */
export function stateReasonFromJson(json: StateReason | null): StateReason | undefined {
  if (json === null) return undefined;
  const { reason, entraError, correlationId, time, mayPass } = json;
  return { reason, entraError, correlationId, time, ...(mayPass === undefined ? {} : { mayPass }) };
}

export function issuesFromJson(json: ResourceIssues): ResourceIssues {
  return Object.fromEntries(
    Object.entries(json).map(([resource, issue]) => {
      const { state, startTime, retryTime, requested } = issue;
      const { reason, entraError, correlationId, time } = issue.evidence;
      return [
        resource,
        { state, evidence: { reason, entraError, correlationId, time }, startTime, retryTime, requested },
      ];
    }),
  );
}
