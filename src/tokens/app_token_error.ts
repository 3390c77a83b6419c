import type { App } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import { type Reason, VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';

const NEXT_STEPS: Partial<Record<Reason, string>> = {
  ADMIN_CONSENT_REQUIRED:
    'An administrator of the directory must consent to the application permissions of the app (StartAdminConsent).',
  BLOCKED_BY_POLICY: 'The directory blocks the app. Ask its administrator.',
  APP_MISCONFIGURED: 'The app registration does not match the request. Compare them with VerifyApp.',
  APP_CREDENTIAL_REJECTED: 'Entra accepts no credential of the app. Add a valid one (AddCredential).',
  APP_CREDENTIAL_EXPIRED: 'All credentials of the app have expired. Add a new one (AddCredential).',
};

/** The error for a failed request for an app's own token (client credentials). */
export function appTokenError(app: App, directoryId: string, failure: Failure): VaultError {
  const { reason, entraError, correlationId, retryAfter, hint } = failure;
  const step = NEXT_STEPS[reason] ?? 'Retry later, and check the app with VerifyApp.';
  const sentences = [`Entra issued no token for ${appName(app)} itself in directory ${directoryId}.`, step, hint];
  return new VaultError(reason, sentences.filter((sentence) => sentence !== undefined).join(' '), {
    metadata: {
      resource: appName(app),
      ...(entraError === undefined ? {} : { entraError }),
      ...(correlationId === undefined ? {} : { correlationId }),
    },
    retryAfter,
  });
}
