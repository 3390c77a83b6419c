import type { AppCertificate } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { Directory } from '../state/directory.ts';
import type { Policy } from '../state/policy.ts';
import type { SandboxState } from '../state/state.ts';
import type { User } from '../state/user.ts';

/** Secrets are shown: they are pretend. */
export function viewApp(app: AppRegistration) {
  return { ...app, certificates: app.certificates.map(viewCertificate) };
}

export function viewCertificate({ publicKey: _key, raw: _raw, ...certificate }: AppCertificate) {
  return certificate;
}

function viewUser({ policies, ...user }: User) {
  return { ...user, policies: policies.map(viewPolicy) };
}

export function viewDirectory({ policies, ...directory }: Directory) {
  return { ...directory, policies: policies.map(viewPolicy) };
}

function viewPolicy({ error, resourceId, clientId }: Policy) {
  return { code: error.code, error: error.error, resource: resourceId, clientId };
}

/** All that a newcomer needs to type. */
export function viewWorld(world: SandboxState) {
  return {
    endpoints: {
      authorize: `${world.url}/{directory|common|organizations|consumers}/oauth2/v2.0/authorize`,
      token: `${world.url}/{directory}/oauth2/v2.0/token`,
      adminConsent: `${world.url}/{directory}/v2.0/adminconsent`,
      discovery: `${world.url}/{directory}/v2.0/.well-known/openid-configuration`,
      graph: `${world.url}/graph/v1.0/me`,
      imapCheck: `${world.url}/outlook/imap-check`,
    },
    directories: world.directories.list().map(viewDirectory),
    users: world.users.list().slice(0, 100).map(viewUser),
    apps: world.apps.list().slice(0, 100).map(viewApp),
    settings: world.settings,
  };
}
