import { fieldInvalid } from '../model/errors.ts';

/** Not served yet, and a promise that is not kept is worse than none: tokens would be taken for revocable. */
export function refuseContinuousAccess(fields: { readonly continuousAccessEvaluation: boolean }): void {
  if (!fields.continuousAccessEvaluation) return;
  throw fieldInvalid(
    'app.continuous_access_evaluation',
    'this version cannot declare the capability CP1; leave it out',
  );
}
