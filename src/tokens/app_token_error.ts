import type { App } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';

const TEXTS: Partial<Record<Reason, string>> = {
  ADMIN_CONSENT_REQUIRED:
    'An administrator of the directory must consent to the application permissions of the app (StartAdminConsent).',
  BLOCKED_BY_POLICY: 'The directory does not let the app in. Ask its administrator.',
  APP_MISCONFIGURED: 'The app registration does not fit the request. Compare it with VerifyApp.',
  APP_CREDENTIAL_REJECTED: 'Entra accepts no credential of the app. Add one that works (AddCredential).',
  APP_CREDENTIAL_EXPIRED: 'Every credential of the app has expired. Add a new one (AddCredential).',
};

/** Entra gave no token for the app itself. */
export function appTokenError(app: App, directoryId: string, failure: Failure): VaultError {
  const { reason, entraError, correlationId, retryAfter, hint } = failure;
  const text = TEXTS[reason] ?? 'Retry later, and see the app with VerifyApp.';
  const sentences = [`Entra gave no token for ${appName(app)} itself in directory ${directoryId}.`, text, hint];
  return new VaultError(reason, sentences.filter((sentence) => sentence !== undefined).join(' '), {
    metadata: {
      resource: appName(app),
      ...(entraError === undefined ? {} : { entraError }),
      ...(correlationId === undefined ? {} : { correlationId }),
    },
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
