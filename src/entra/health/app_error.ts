import type { App } from '../../model/app.ts';
import { appName } from '../../model/connection.ts';
import { type Reason, VaultError } from '../../model/errors.ts';

/** What a caller is told of an app that is known to fail, without a question to Entra. */
export function appError(app: App, reason: Reason, directoryId?: string): VaultError {
  const name = appName(app);
  const metadata = { resource: name, ...(directoryId === undefined ? {} : { directoryId }) };
  switch (reason) {
    case 'APP_CREDENTIAL_EXPIRED':
      return new VaultError(reason, `Every credential of ${name} has expired; add a new one.`, { metadata });
    case 'APP_CREDENTIAL_REJECTED':
      return new VaultError(reason, `Entra accepts no credential of ${name}; add one that works.`, { metadata });
    case 'ADMIN_CONSENT_REQUIRED':
      return new VaultError(reason, `An administrator of the directory must consent to ${name} first.`, { metadata });
    case 'BLOCKED_BY_POLICY':
      return new VaultError(reason, `The directory does not let ${name} in; its administrator must.`, { metadata });
    default:
      return new VaultError(reason, `Entra refuses ${name} as it is registered; see its state for Entra's code.`, {
        metadata,
      });
  }
}
