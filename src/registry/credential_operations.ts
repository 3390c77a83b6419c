import { type Credential, credentialState } from '../model/app_credential.ts';
import { appName } from '../model/connection.ts';
import { type CredentialRole, rolesOf } from '../model/credential_presentation_order.ts';
import type { App } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import { appInUse } from './app_in_use_errors.ts';
import type { AppDetails, AppId } from './app_request_types.ts';
import { appNextSteps, type NextSteps } from './app_setup_next_steps.ts';
import { credentialWarnings, probeWarnings } from './app_setup_warnings.ts';
import { uploadCommand } from './azure_portal_steps.ts';
import { CREDENTIAL_FIELDS, type CredentialRequest, newCredential } from './build_new_credential.ts';
import { checkGuid, checkId } from './check_operator_fields.ts';
import { alreadyExists, orThrow } from './create_app.ts';
import { knownDirectory } from './find_app_token_directory.ts';
import { createLookup } from './find_resource_by_id.ts';
import { notProbed, type ProbeReport, probeApp, withRoles } from './probe_app_credentials.ts';
import { appDetails, detailsAfter, newAppDetails } from './read_app_details.ts';
import { reread } from './read_key_vault_secret.ts';
import type { RegistryParts } from './registry_dependencies.ts';

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
  /** Of a generated certificate: what an administrator must add to the registration. */
  readonly upload?: { readonly certificatePem: string; readonly command: string } | undefined;
}

export interface VerifiedApp {
  readonly app: AppDetails;
  /** In which the credentials were presented. Undefined: none is known. */
  readonly directoryId: string | undefined;
  readonly probes: readonly ProbeReport[];
  readonly nextSteps: NextSteps;
}

/** The credentials that apps present to Entra: added and removed, never updated. */
export type Credentials = ReturnType<typeof createCredentials>;

export function createCredentials(parts: RegistryParts) {
  const { stores, authorizationServer, changes, clock } = parts;
  const lookup = createLookup(stores);

  /** Recorded failures of the old credentials must not affect the new ones. */
  function forget(appUid: string): void {
    authorizationServer.forget(appUid);
    changes.announce({ kind: 'app', uid: appUid });
  }

  /** PEM of those that Entra does not accept, because nobody may have added them to the registration yet. */
  async function unacceptedCertificates(app: App, credentials: readonly Credential[]): Promise<readonly string[]> {
    const isUnaccepted = (one: Credential) =>
      one.kind === 'CERTIFICATE' && ['UNPROBED', 'REJECTED'].includes(credentialState(one, clock.now()));
    if (!credentials.some(isUnaccepted)) return [];
    const usable = await stores.apps.usableCredentials(app);
    return usable.flatMap(({ credential, material }) =>
      isUnaccepted(credential) && material.kind === 'CERTIFICATE' ? [material.certificateChain] : [],
    );
  }

  function roleOf(uid: string, credentials: readonly Credential[]): CredentialRole {
    return rolesOf(credentials, clock.now()).get(uid) ?? 'NONE';
  }

  /** The last valid credential counts even without connections, because app-only tokens need one too. */
  async function checkRemovable(app: App, removed: Credential, all: readonly Credential[]): Promise<void> {
    const others = all.filter(({ uid }) => uid !== removed.uid);
    const isValid = (credential: Credential) => credentialState(credential, clock.now()) === 'VALID';
    const isLastValid = isValid(removed) && !others.some(isValid);
    const connections = await stores.apps.countConnections(app.uid);
    if (!isLastValid && (others.length > 0 || connections === 0)) return;
    throw appInUse(
      appName(app),
      connections,
      `${credentialName(app, removed.credentialId)} is the last credential${isLastValid ? ' that Entra accepts' : ''}. Add another one and wait until GetApp shows it as STATE_VALID, or set force.`,
    );
  }

  return {
    /** APP_NOT_FOUND, FIELD_INVALID, CREDENTIAL_EXISTS. */
    async add(request: AddCredential): Promise<AddedCredential> {
      const { tenantId, appId, credentialId, validateOnly } = request;
      const app = await lookup.app(tenantId, appId);
      checkId('credential_id', credentialId);
      const checked = await newCredential(parts, app, credentialId, request.credential, CREDENTIAL_FIELDS);
      const { made, doubts, generated } = checked;
      const { credential } = made;
      const exists = alreadyExists('CREDENTIAL_EXISTS', credentialName(app, credentialId), 'credential_id');
      const warnings = [...credentialWarnings(credential, clock.now()), ...doubts];
      if (validateOnly) {
        const earlier = await stores.apps.credentials(app.uid);
        if (earlier.some((other) => other.credentialId === credentialId)) throw exists;
        const preferTime = earlier.length === 0 ? credential.createTime : undefined;
        const role = roleOf(credential.uid, [...earlier, { ...credential, preferTime }]);
        return { credential, role, probe: notProbed(credential, clock.now(), true), warnings };
      }
      await stores.apps.addCredential(app, made).catch(orThrow(exists));
      forget(app.uid);
      const { app: current } = await detailsAfter(parts, newAppDetails(parts, app, [credential]));
      // The credential is stored by now, so a failure to find a directory must not fail the call.
      const directory = await knownDirectory(stores, current).catch(() => undefined);
      const [probe = notProbed(credential, clock.now())] = await probeApp(parts, current, [credential], directory);
      const { credentials } = await detailsAfter(parts, newAppDetails(parts, current, [credential]));
      const [withRole = probe] = withRoles([probe], credentials, clock.now());
      return {
        credential: credentials.find(({ uid }) => uid === credential.uid) ?? credential,
        role: roleOf(credential.uid, credentials),
        probe: withRole,
        warnings: [...warnings, ...probeWarnings([probe])],
        upload: generated === undefined ? undefined : { certificatePem: generated, command: uploadCommand(app) },
      };
    },

    /** CREDENTIAL_NOT_FOUND; without `force` APP_IN_USE for the last valid one, or the last one of an app with connections. */
    async remove(request: AppId & { readonly credentialId: string; readonly force: boolean }): Promise<void> {
      const { tenantId, appId, credentialId, force } = request;
      const app = await lookup.app(tenantId, appId);
      const credentials = await stores.apps.credentials(app.uid);
      const removed = credentials.find((credential) => credential.credentialId === credentialId);
      if (removed === undefined) throw credentialNotFound(app, credentialId);
      if (!force) await checkRemovable(app, removed, credentials);
      if (!(await stores.apps.removeCredential(app.uid, credentialId))) throw credentialNotFound(app, credentialId);
      forget(app.uid);
    },

    /** Presents every credential now. A rejection is part of the result, not an error. */
    async verify(request: AppId & { readonly directoryId: string }): Promise<VerifiedApp> {
      const { tenantId, appId, directoryId } = request;
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
      const toUpload = await unacceptedCertificates(details.app, credentials);
      const facts = { tenant, app: details.app, preset: undefined, credentials, toUpload };
      const nextSteps = appNextSteps(parts, facts, probeWarnings(probes));
      return { app: details, directoryId: directory, probes: withRoles(probes, credentials, clock.now()), nextSteps };
    },
  };
}

function credentialName(app: App, credentialId: string): string {
  return `${appName(app)}/credentials/${credentialId}`;
}

function credentialNotFound(app: App, credentialId: string): VaultError {
  const name = credentialName(app, credentialId);
  return new VaultError('CREDENTIAL_NOT_FOUND', `There is no ${name}. GetApp lists the credentials of the app.`, {
    metadata: { resource: name },
  });
}
