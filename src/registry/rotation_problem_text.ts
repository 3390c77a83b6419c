import { type App, registrationDirectory } from '../model/app.ts';
import { OWN_REGISTRATION_PERMISSION, type RotationProblem } from '../model/rotation.ts';
import { ownerStep, permissionStep } from './rotation_steps.ts';

/** What keeps a rotation from going on, and what to do. */
export function rotationProblemText(app: App, problem: RotationProblem): string {
  const code = problem.code === undefined ? '' : ` (${problem.code})`;
  const hints = problem.hints === undefined ? '' : `: ${problem.hints.join(', ')}`;
  return SENTENCES[problem.kind]({ app, code, hints, permission: problem.permission ?? OWN_REGISTRATION_PERMISSION });
}

interface Facts {
  readonly app: App;
  /** In brackets, with a space before; `''`: there is none. */
  readonly code: string;
  readonly permission: string;
  /** First characters of the secrets at Entra, after a colon; `''`: they are not known. */
  readonly hints: string;
}

const SENTENCES = {
  NO_DIRECTORY: () => 'Nobody said where the app is registered: set home_directory_id with UpdateApp.',
  NOT_FOUND: ({ app, code }) =>
    `Graph knows no app ${app.clientId} in directory ${registrationDirectory(app)}${code}: correct home_directory_id with UpdateApp, or register the app there again.`,
  PERMISSION: ({ app, code, permission }) =>
    `Graph does not let the app change its registration${code}; both are needed, and it is tried again daily. ${permissionStep(permission)} ${ownerStep(app)}`,
  POLICY: ({ code }) =>
    `Graph refuses the new client secret${code}, mostly by an app management policy of the directory: an administrator exempts the app there, or shorten rotation.secret_life with UpdateApp; it is tried again daily.`,
  LIMIT: ({ code, hints }) =>
    `The registration has no place for another client secret${code}: one that personal accounts may use has room for two, and it has two${hints}. Remove the one that nothing uses in the portal (Certificates & secrets), then call RotateCredential; it is tried again daily.`,
  UNAVAILABLE: ({ code }) =>
    `Entra or Graph gives no answer that helps${code}; it is tried again by itself. Where it lasts, look at the app with VerifyApp.`,
  REFUSED_SECRET: ({ code }) =>
    `Entra does not take the new client secret${code}; the old one goes on serving, and it is tried again hourly. Where it lasts, RemoveCredential of the new one begins anew.`,
  NO_KEY_ID: ({ code }) =>
    `Graph does not show which of the app's secrets is the old one${code}, so that the vault cannot remove it there: remove it in the portal (Certificates & secrets), then here with RemoveCredential.`,
  IN_USE: () =>
    'Another app of the vault with the same client id, a reference to Azure Key Vault, or a vault that serves another copy of this database is or may be using the old secret, so that the vault leaves it at Entra: once none of them does, remove it in the portal (Certificates & secrets), then here with RemoveCredential.',
} as const satisfies Record<RotationProblem['kind'], (facts: Facts) => string>;
