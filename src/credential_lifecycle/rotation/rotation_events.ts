import { appName } from '../../model/connection.ts';
import type { RotationTransition } from '../../model/secret_rotation_transition.ts';
import type { EventBody, Severity, VaultEvent } from '../../model/vault_event.ts';
import type { RotationParts, RotationSubject } from './rotation_dependencies.ts';

/** The events of a transition, stored in the same commit. */
export function rotationEvents(
  { clock, newUid }: Pick<RotationParts, 'clock' | 'newUid'>,
  { app, rotation, old, newCredential }: RotationSubject,
  { done, report }: RotationTransition,
): readonly VaultEvent[] {
  const names = { app: appName(app), clientId: app.clientId, oldCredential: old?.credentialId ?? '' };
  const bodies: (EventBody & { readonly severity: Severity })[] = [];
  if (done === 'ADDED' || done === 'PREFERRED' || done === 'REMOVED') {
    const facts = {
      step: done,
      newCredential: newCredential?.credentialId ?? '',
      expireTime: newCredential?.expireTime,
    };
    bodies.push({ type: 'credential.rotating', severity: 'INFO', data: { ...names, ...facts } });
  }
  if (report !== undefined) {
    const { kind: problem, code, permission, hints } = report.problem;
    const facts = { step: rotation.step, problem, code, permission, hints, expireTime: old?.expireTime };
    bodies.push({ type: 'credential.rotation_failed', severity: report.severity, data: { ...names, ...facts } });
  }
  const { tenantUid, tenantId } = app;
  const common = { dedupeKey: undefined, tenantUid, tenantId, subject: appName(app), time: clock.now() };
  return bodies.map((body) => ({ ...common, ...body, uid: newUid() }));
}
