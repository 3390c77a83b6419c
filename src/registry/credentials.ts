import type { App } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import { type Credential, credentialState } from '../model/credential.ts';
import { type CredentialRole, rolesOf } from '../model/credential_role.ts';
import { VaultError } from '../model/errors.ts';
import { alreadyExists } from './already_exists.ts';
import { appDetails, detailsAfter, newAppDetails } from './app_details.ts';
import { appInUse } from './app_in_use.ts';
import { appNextSteps } from './app_next_steps.ts';
import type { AppDetails, AppId } from './app_requests.ts';
import { checkGuid, checkId } from './check_fields.ts';
import { reread } from './key_vault_secret.ts';
import { knownDirectory } from './known_directory.ts';
import { createLookup } from './lookup.ts';
import type { CredentialRequest } from './new_credential.ts';
import { CREDENTIAL_FIELDS, newCredential } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';
import { notAsked, probeApp } from './probe.ts';
import { withRoles } from './probe_role.ts';
import type { RegistryParts } from './registry_parts.ts';
import { credentialWarnings, probeWarnings } from './warnings.ts';

/** What apps present to Entra: added and removed, never updated. */
export interface Credentials {
  /** APP_NOT_FOUND, FIELD_INVALID, CREDENTIAL_EXISTS. */
  add(request: AddCredential): Promise<AddedCredential>;
  /** CREDENTIAL_NOT_FOUND; without `force` APP_IN_USE for the last one that works, or for the last one of an app that has connections. */
  remove(request: AppId & { readonly credentialId: string; readonly force: boolean }): Promise<void>;
  /** Presents every credential now. What Entra says is the answer, not an error. */
  verify(request: AppId & { readonly directoryId: string }): Promise<VerifiedApp>;
}

export interface AddCredential extends AppId {
  readonly credentialId: string;
  readonly credential: CredentialRequest;
  readonly validateOnly: boolean;
}

export interface AddedCredential {
  readonly credential: Credential;
  readonly role: CredentialRole;
  readonly probe: ProbeReport;
  readonly warnings: readonly string[];
}

export interface VerifiedApp {
  readonly app: AppDetails;
  readonly probes: readonly ProbeReport[];
  readonly nextSteps: NextSteps;
}

export function createCredentials(parts: RegistryParts): Credentials {
  const { stores, authorizationServer, changes, clock, newUid } = parts;
  const lookup = createLookup(stores);

  /** The old learning is void before anybody uses the new state. */
  function forget(appUid: string): void {
    authorizationServer.forget(appUid);
    changes.announce({ kind: 'app', uid: appUid });
  }

  function roleOf(uid: string, credentials: readonly Credential[]): CredentialRole {
    return rolesOf(credentials, clock.now()).get(uid) ?? 'NONE';
  }

  /** Tokens of the app itself need a credential too, so one that works counts without a connection. */
  async function checkDispensable(app: App, removed: Credential, all: readonly Credential[]): Promise<void> {
    const others = all.filter(({ uid }) => uid !== removed.uid);
    const works = (credential: Credential) => credentialState(credential, clock.now()) === 'VALID';
    const isLastThatWorks = works(removed) && !others.some(works);
    const connections = await stores.apps.countConnections(app.uid);
    if (!isLastThatWorks && (others.length > 0 || connections === 0)) return;
    const which = isLastThatWorks ? 'the last credential that Entra accepts' : 'its last credential';
    throw appInUse(
      appName(app),
      connections,
      `${credentialName(app, removed.credentialId)} is ${which}. Add another one and wait until GetApp shows it as STATE_VALID, or remove it with force`,
    );
  }

  return {
    async add({ tenantId, appId, credentialId, credential: request, validateOnly }) {
      const app = await lookup.app(tenantId, appId);
      checkId('credential_id', credentialId);
      const identity = { uid: newUid(), appUid: app.uid, tenantId, credentialId, preferTime: undefined };
      const { made, doubts } = await newCredential(parts, request, CREDENTIAL_FIELDS, identity);
      const { credential } = made;
      const warnings = [...credentialWarnings(credential, clock.now()), ...doubts];
      if (validateOnly) {
        const earlier = await stores.apps.credentials(app.uid);
        if (earlier.some((other) => other.credentialId === credentialId)) throw credentialExists(app, credentialId);
        const preferTime = earlier.length === 0 ? credential.createTime : undefined;
        const role = roleOf(credential.uid, [...earlier, { ...credential, preferTime }]);
        return { credential, role, probe: notAsked(credential, clock.now(), true), warnings };
      }
      await stores.apps.addCredential(app, made).catch(alreadyExists(credentialExists(app, credentialId)));
      forget(app.uid);
      const { app: current } = await detailsAfter(parts, newAppDetails(parts, app, [credential]));
      // It is stored by now, so a database that fails to name a directory does not undo it.
      const directory = await knownDirectory(stores, current).catch(() => undefined);
      const [probe = notAsked(credential, clock.now())] = await probeApp(parts, current, [credential], directory);
      const { credentials } = await detailsAfter(parts, newAppDetails(parts, current, [credential]));
      const stored = credentials.find(({ uid }) => uid === credential.uid) ?? credential;
      const [told = probe] = withRoles([probe], credentials, clock.now());
      const role = roleOf(credential.uid, credentials);
      return { credential: stored, role, probe: told, warnings: [...warnings, ...probeWarnings([probe])] };
    },

    async remove({ tenantId, appId, credentialId, force }) {
      const app = await lookup.app(tenantId, appId);
      const credentials = await stores.apps.credentials(app.uid);
      const removed = credentials.find((credential) => credential.credentialId === credentialId);
      if (removed === undefined) throw credentialNotFound(app, credentialId);
      if (!force) await checkDispensable(app, removed, credentials);
      if (!(await stores.apps.removeCredential(app.uid, credentialId))) throw credentialNotFound(app, credentialId);
      forget(app.uid);
    },

    async verify({ tenantId, appId, directoryId }) {
      const tenant = await lookup.tenant(tenantId);
      const app = await lookup.app(tenantId, appId);
      const directory =
        directoryId === ''
          ? await knownDirectory(stores, app)
          : checkGuid('directory_id', directoryId, 'the id of a directory');
      authorizationServer.forget(app.uid);
      const before = await stores.apps.credentials(app.uid);
      await reread(parts, before);
      const probes = await probeApp(parts, app, before, directory);
      const details = await appDetails(parts, await lookup.app(tenantId, appId));
      const { credentials } = details;
      const nextSteps = appNextSteps(parts, { tenant, app: details.app, preset: undefined, credentials, probes });
      return { app: details, probes: withRoles(probes, credentials, clock.now()), nextSteps };
    },
  };
}

function credentialName(app: App, credentialId: string): string {
  return `${appName(app)}/credentials/${credentialId}`;
}

function credentialNotFound(app: App, credentialId: string): VaultError {
  const name = credentialName(app, credentialId);
  return new VaultError('CREDENTIAL_NOT_FOUND', `there is no ${name}; GetApp tells the credentials of the app`, {
    metadata: { resource: name },
  });
}

function credentialExists(app: App, credentialId: string): VaultError {
  const name = credentialName(app, credentialId);
  return new VaultError('CREDENTIAL_EXISTS', `${name} exists already; choose another credential_id`, {
    metadata: { resource: name },
  });
}
