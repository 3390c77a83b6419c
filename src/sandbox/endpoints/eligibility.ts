import { entraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, CONSUMERS_DIRECTORY_ID, type Directory } from '../state/directory.ts';
import type { SandboxState } from '../state/state.ts';
import { isMemberOf, type User } from '../state/user.ts';
import { takesPersonalAccounts } from './personal_account.ts';

/** May this app be used at this address? Single-directory apps not at `/common` (50194), and so on. */
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
  const isPersonal = authority.directory.id === CONSUMERS_DIRECTORY_ID;
  if (isPersonal && !takesPersonalAccounts(app)) throw entraError(9002332, facts);
  if (isForDirectory && app.audience.toLowerCase() !== authority.directory.id) throw entraError(700016, facts);
  if (!isPersonal && app.audience === 'consumers') throw entraError(9002331, facts);
}

/** The directory in which the user gets tokens; refuses accounts that do not belong there (50020, 500341, 50057). */
export function checkUser(world: SandboxState, user: User, app: AppRegistration, authority: Authority): Directory {
  const isPersonal = user.directoryId === CONSUMERS_DIRECTORY_ID;
  const directory = authority.directory ?? world.directories.find(user.directoryId);
  const facts = {
    user: user.username,
    provider: isPersonal ? 'live.com' : `https://sts.windows.net/${user.directoryId}/`,
    directory: directory?.displayName ?? authority.segment,
    client: app.clientId,
  };
  const isWelcome =
    directory !== undefined &&
    isMemberOf(user, directory.id) &&
    !(isPersonal && (authority.kind === 'organizations' || app.audience === 'organizations')) &&
    !(!isPersonal && app.audience === 'consumers');
  if (!isWelcome) throw entraError(50020, facts);
  if (user.deleted) throw entraError(500341, facts);
  if (user.disabled) throw entraError(50057, facts);
  return directory;
}
