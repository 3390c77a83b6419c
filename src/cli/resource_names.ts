import { InvalidArgumentError } from 'commander';
import { CONNECTION_ID, RESOURCE_ID } from '../model/id_patterns.ts';

/**
 * Parsers of names on the command line. A name may be given in full, as the vault prints it, or without the words between
 * the ids: `acme/default` is `tenants/acme/apps/default`. A tenant with the id `tenants` is given in full: else
 * `tenants/acme` would name an app of it.
 */
const [ID, CONNECTION] = [RESOURCE_ID, CONNECTION_ID].map(({ source }) => source.slice(1, -1));

const TENANT = new RegExp(`^(?:tenants/)?(${ID})$`);
const SHORT = `(?!tenants/)(${ID})`;
const APP = new RegExp(`^(?:tenants/(${ID})/apps/(${ID})|${SHORT}/(${ID}))$`);
const CREDENTIAL = new RegExp(`^(?:tenants/(${ID})/apps/(${ID})/credentials/(${ID})|${SHORT}/(${ID})/(${ID}))$`);
const CONNECTION_NAME = new RegExp(`^(?:tenants/(${ID})/connections/(${CONNECTION})|${SHORT}/(${CONNECTION}))$`);

export const TENANT_HELP = 'tenants/{tenant}, or in short its id, such as acme';
export const APP_HELP = 'tenants/{tenant}/apps/{app}, or in short acme/default';
export const CREDENTIAL_HELP = 'its full name, or in short acme/default/main';
export const CONNECTION_HELP = 'tenants/{tenant}/connections/{connection}, or in short acme/ada';

export function tenantNameOf(text: string): string {
  const [tenant] = idsOf(TENANT, text) ?? invalid('a tenant', 'acme', 'tenants/acme');
  return `tenants/${tenant}`;
}

export function appNameOf(text: string): string {
  const [tenant, app] = idsOf(APP, text) ?? invalid('an app', 'acme/default', 'tenants/acme/apps/default');
  return `tenants/${tenant}/apps/${app}`;
}

export function credentialNameOf(text: string): string {
  const [tenant, app, credential] =
    idsOf(CREDENTIAL, text) ??
    invalid('a credential', 'acme/default/main', 'tenants/acme/apps/default/credentials/main');
  return `tenants/${tenant}/apps/${app}/credentials/${credential}`;
}

export function connectionNameOf(text: string): string {
  const [tenant, connection] =
    idsOf(CONNECTION_NAME, text) ?? invalid('a connection', 'acme/ada', 'tenants/acme/connections/ada');
  return `tenants/${tenant}/connections/${connection}`;
}

/** An id for a new credential, or of a sink. */
export function resourceIdOf(text: string): string {
  if (RESOURCE_ID.test(text)) return text;
  throw new InvalidArgumentError('Give at most 63 lower-case letters, digits and dashes, beginning with a letter.');
}

function idsOf(pattern: RegExp, text: string): readonly string[] | undefined {
  return pattern
    .exec(text)
    ?.slice(1)
    .filter((id) => id !== undefined);
}

function invalid(what: string, short: string, full: string): never {
  throw new InvalidArgumentError(`Give the name of ${what} as ${short} or ${full}.`);
}
