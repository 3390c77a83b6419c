/** The commands that call the methods which messages of the vault name. */
export const COMMANDS: Readonly<Record<string, string>> = {
  RegisterTenant: 'tenants create',
  ListTenants: 'tenants list',
  UpdateTenant: 'tenants update',
  SuspendTenant: 'tenants suspend',
  ResumeTenant: 'tenants resume',
  CreateApp: 'apps create',
  GetApp: 'apps show',
  ListApps: 'apps list',
  UpdateApp: 'apps update',
  VerifyApp: 'apps verify',
  StartAdminConsent: 'apps request-consent',
  AddCredential: 'credentials add',
  RemoveCredential: 'credentials remove',
  RotateCredential: 'credentials rotate',
  StartAuthorization: 'connections authorize',
  GetConnection: 'connections show',
  VerifyConnection: 'connections verify',
  ResumeConnection: 'connections resume',
  GetKeyring: 'keys show',
  'ContainmentService.Lift': 'containment lift',
};

/** The options for fields of requests. */
const OPTIONS: Readonly<Record<string, string>> = {
  home_directory_id: '--home-directory',
  directory_id: '--directory',
  sign_in_audience: '--audience',
  implicit_permissions: '--permission',
  generated_certificate: '--generate-certificate',
  'set force': 'give --force',
};

const METHOD = new RegExp(`(?<![\\w.])(?:${alternatives(COMMANDS)})(?!\\w)`, 'g');
const FIELD = new RegExp(`(?<![\\w.])(?:${alternatives(OPTIONS)})(?![\\w:])`, 'g');

/**
 * A message of the vault for a person at the command line: with commands and options in place of methods and fields of the
 * API. With `--json`, messages stay as they are.
 */
export function inCommandTerms(message: string): string {
  return message
    .replace('Resume it with UpdateApp', 'Resume it with `apps resume`')
    .replace(METHOD, (name) => `\`${COMMANDS[name]}\``)
    .replace(FIELD, (name) => OPTIONS[name] ?? name)
    .replaceAll('STATE_VALID', 'VALID');
}

function alternatives(terms: Readonly<Record<string, string>>): string {
  return Object.keys(terms)
    .map((term) => term.replace('.', '\\.'))
    .join('|');
}
