import { appName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import { detailsAfter } from './app_details.ts';
import { appNextSteps } from './app_next_steps.ts';
import { newApp } from './app_record.ts';
import type { AppDetails, CreateApp, CreatedApp } from './apps.ts';
import { checkId } from './fields.ts';
import { createLookup } from './lookup.ts';
import { CREDENTIAL_FIELDS, newCredential } from './new_credential.ts';
import { notAsked, type ProbeReport, probeApp } from './probe.ts';
import { FIRST } from './register_tenant.ts';
import type { RegistryParts } from './registry_parts.ts';
import { secretWarnings } from './warnings.ts';

/** Adds an app to a tenant, with a first credential where one is given, in one commit; then asks Entra. */
export async function createApp(parts: RegistryParts, request: CreateApp): Promise<CreatedApp> {
  const { stores, changes, clock } = parts;
  const tenant = await createLookup(stores).tenant(request.tenantId);
  const { app, first } = prepare(parts, request, tenant);
  const known: AppDetails = {
    app,
    credentials: first === undefined ? [] : [first.credential],
    throttledUntil: undefined,
  };
  const doubts = first === undefined ? [] : secretWarnings(first.material);
  const answer = (details: AppDetails, probes: readonly ProbeReport[]): CreatedApp => {
    const facts = { tenant, app: details.app, preset: undefined, credentials: details.credentials, probes };
    const steps = appNextSteps(parts, facts);
    return { app: details, probe: probes[0], nextSteps: { ...steps, warnings: [...steps.warnings, ...doubts] } };
  };

  // Made before anything is stored, as in RegisterTenant.
  const dry = answer(
    known,
    known.credentials.map((credential) => notAsked(credential, clock.now(), true)),
  );
  if (request.validateOnly) {
    if ((await stores.apps.find(tenant.uid, app.appId)) !== undefined) throw appExists(appName(app));
    return dry;
  }
  await stores.apps.create(app, first);
  changes.announce({ kind: 'app', uid: app.uid });
  const probes = await probeApp(parts, app, known.credentials);
  return answer(await detailsAfter(parts, known), probes);
}

function prepare({ scopes, clock, newUid, callbackUri }: RegistryParts, request: CreateApp, tenant: Tenant) {
  const now = clock.now();
  const defaults = { tenant, preset: undefined, redirectUri: callbackUri };
  const app = newApp(request.fields, defaults, { appId: request.appId, uid: newUid() }, scopes, now);
  const credentialId = checkId('credential_id', request.credentialId || FIRST);
  const identity = { uid: newUid(), appUid: app.uid, credentialId };
  const first =
    request.credential === undefined ? undefined : newCredential(request.credential, CREDENTIAL_FIELDS, identity, now);
  return { app, first };
}

function appExists(name: string): VaultError {
  return new VaultError('APP_EXISTS', `${name} exists already; choose another app_id`, {
    metadata: { resource: name },
  });
}
