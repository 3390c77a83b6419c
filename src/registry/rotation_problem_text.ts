import { type App, registrationDirectory } from '../model/entra_app.ts';
import { OWN_REGISTRATION_PERMISSION, type RotationProblem } from '../model/secret_rotation.ts';
import { applicationPermissionStep, ownerStep } from './azure_portal_steps.ts';

/** What blocks a rotation, and what to do about it. */
export function rotationProblemText(app: App, problem: RotationProblem): string {
  const code = problem.code === undefined ? '' : ` (${problem.code})`;
  const hints = problem.hints === undefined ? '' : `: ${problem.hints.join(', ')}`;
  return SENTENCES[problem.kind]({ app, code, hints, permission: problem.permission ?? OWN_REGISTRATION_PERMISSION });
}

interface Facts {
  readonly app: App;
  /** In brackets, after a space; `''` without one. */
  readonly code: string;
  readonly permission: string;
  /** First characters of the secrets at Entra, after a colon; `''` if they are unknown. */
  readonly hints: string;
}

const SENTENCES = {
  NO_DIRECTORY: () => 'The directory in which the app is registered is unknown. Set home_directory_id with UpdateApp.',
  NOT_FOUND: ({ app, code }) =>
    `Microsoft Graph finds no app ${app.clientId} in directory ${registrationDirectory(app)}${code}. Correct home_directory_id with UpdateApp, or register the app there again.`,
  PERMISSION: ({ app, code, permission }) =>
    `Microsoft Graph does not allow the app to change its registration${code}. Complete both of these steps; the vault retries daily. ${applicationPermissionStep(permission)} ${ownerStep(app)}`,
  POLICY: ({ code }) =>
    `Microsoft Graph rejects the new credential${code}, usually because of an app management policy of the directory, such as one that lists trusted certificate authorities. Have an administrator exempt the app there; the vault retries daily.`,
  PASSWORDS_BLOCKED: ({ code }) =>
    `The directory allows no new client secrets${code}. Add a credential without a secret with AddCredential, before the old secret expires: generated_certificate, key_vault_certificate, managed_identity, certificate or federated. Or have an administrator exempt the app; the vault retries daily.`,
  LIFETIME: ({ code }) =>
    `An app management policy of the directory allows only credentials that expire earlier${code}. Shorten rotation.secret_life with UpdateApp, or have an administrator exempt the app; the vault retries daily.`,
  NO_VALID_CERTIFICATE: ({ app }) =>
    `Entra accepts no certificate of the app, so nothing can prove to Microsoft Graph that a new one belongs to it: the last one has expired, or was removed. An administrator must upload a certificate to the registration of app ${app.clientId}: AddCredential with generated_certificate returns one, and the command. The vault replaces that one in time.`,
  LIMIT: ({ code, hints }) =>
    `The registration has no room for another client secret${code}: a registration that personal accounts may use can have two, and it has two${hints}. Remove the unused one in the portal (Certificates & secrets), then call RotateCredential; the vault also retries daily. A certificate (generated_certificate of AddCredential) needs no room.`,
  UNAVAILABLE: ({ code }) =>
    `Entra or Microsoft Graph gives no usable response${code}. The vault retries by itself; if the problem persists, check the app with VerifyApp.`,
  REFUSED_SECRET: ({ code }) =>
    `Entra rejects the new credential${code}. The old one stays in use and the vault retries hourly; if the problem persists, remove the new one with RemoveCredential to restart the rotation.`,
  NO_KEY_ID: ({ code }) =>
    `Microsoft Graph does not show which of the app's credentials is the old one${code}, so the vault cannot remove it there. Remove it in the portal (Certificates & secrets), then here with RemoveCredential.`,
  IN_USE: () =>
    'The vault keeps the old credential at Entra because it may still be in use: by another app of the vault with the same client id, by a reference to Azure Key Vault, or by a vault that runs on another copy of this database. When it is no longer used, remove it in the portal (Certificates & secrets), then here with RemoveCredential.',
} as const satisfies Record<RotationProblem['kind'], (facts: Facts) => string>;
