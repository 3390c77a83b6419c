import type { Evidence } from '../model/evidence.ts';

/** JSON drops what is undefined; the model spells it out. */
export function evidenceFromJson(json: Evidence | null): Evidence | undefined {
  if (json === null) return undefined;
  const { reason, entraError, correlationId, time } = json;
  return { reason, entraError, correlationId, time };
}
