import { entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, type Directory, isPersonal } from '../state/entra_directories.ts';
import { isMemberOf, type User } from '../state/entra_users.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { acceptsPersonalAccounts } from './personal_account_rules.ts';

/** Throws unless the app can be used at this authority, such as a single-directory app at `/common` (50194). */
export function checkApp(
  app: AppRegistration | undefined,
  clientId: string,
  authority: Authority,
): asserts app is AppRegistration {
  if (app === undefined) throw entraError(700016, { client: clientId, directory: authority.segment });
  const facts = { client: app.clientId, directory: authority.segment };
  const isForDirectory = !['common', 'organizations', 'consumers'].includes(app.audience);
  if (authority.directory === undefined) {
    if (isForDirectory) throw entraError(50194, facts);
    if (app.audience === 'consumers') throw entraError(9002331, facts);
    return;
  }
  const isAtConsumers = isPersonal(authority.directory.id);
  if (isAtConsumers && !acceptsPersonalAccounts(app)) throw entraError(9002332, facts);
  if (isForDirectory && app.audience.toLowerCase() !== authority.directory.id) throw entraError(700016, facts);
  if (!isAtConsumers && app.audience === 'consumers') throw entraError(9002331, facts);
}

export function checkRedirectUri({ clientId, redirectUris, spaRedirectUris }: AppRegistration, uri: string): void {
  if (![...redirectUris, ...spaRedirectUris].includes(uri)) throw entraError(50011, { uri, client: clientId });
}

/** The directory in which the user gets tokens. Throws for accounts that do not belong there (50020, 500341, 50057). */
export function checkUser(state: SandboxState, user: User, app: AppRegistration, authority: Authority): Directory {
  const isPersonalAccount = isPersonal(user.directoryId);
  const directory = authority.directory ?? state.directories.find(user.directoryId);
  const facts = {
    user: user.username,
    provider: isPersonalAccount ? 'live.com' : `https://sts.windows.net/${user.directoryId}/`,
    directory: directory?.displayName ?? authority.segment,
    client: app.clientId,
  };
  const isAllowed = isPersonalAccount
    ? authority.kind !== 'organizations' && app.audience !== 'organizations'
    : app.audience !== 'consumers';
  if (directory === undefined || !isMemberOf(user, directory.id) || !isAllowed) throw entraError(50020, facts);
  if (user.deleted) throw entraError(500341, facts);
  if (user.disabled) throw entraError(50057, facts);
  return directory;
}
