/** How a product sets its app up, as its own pages say (`seeds/`): data that RegisterTenant fills gaps with. */
export interface Preset {
  readonly catalog: string;
  /**
   * The first one first. `{callback}` is the vault's own, `{base}` the product's own address; one with `{strategy}` is there
   * only where a strategy is given.
   */
  readonly redirectUris: readonly string[];
  /** Undefined: as its operator registered it. */
  readonly signInAudience: string | undefined;
  /** Asked for at every consent: OIDC scopes and permissions. */
  readonly implicitPermissions: readonly string[];
  /** What the product will ask for, so that the portal can be told beforehand; undefined: as its operator chooses. */
  readonly productScopes: readonly string[] | undefined;
  /** Sentences for `next_steps`, after those of the portal. */
  readonly hints: readonly string[];
}

const SECRET_MAY_END =
  'No client secret needs to live for ever: before one ends, hand the next (Certificates & secrets > New client secret, at most 24 months) to AddCredential; both are good at a time, and nobody signs in again.';

const PRESETS = {
  aurinko: {
    catalog: 'aurinko',
    redirectUris: ['{callback}'],
    signInAudience: 'common',
    implicitPermissions: ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'],
    productScopes: ['Mail.ReadWrite', 'Mail.Send', 'Calendar.ReadWrite', 'Contacts.ReadWrite', 'Tasks.ReadWrite'],
    hints: [SECRET_MAY_END],
  },
  chatwoot: {
    catalog: 'microsoft',
    redirectUris: ['{base}/microsoft/callback'],
    signInAudience: 'organizations',
    implicitPermissions: ['email', 'profile', 'offline_access', 'openid'],
    productScopes: [
      'Mail.ReadWrite',
      'Mail.Send',
      'https://outlook.office.com/IMAP.AccessAsUser.All',
      'https://outlook.office.com/SMTP.Send',
    ],
    hints: [
      ownCallback('Chatwoot'),
      'Optional claims (Token configuration) are not needed: the scope email is asked for.',
      'A new client secret goes to AddCredential instead of AZURE_APP_SECRET, and nothing is restarted.',
    ],
  },
  deskpro: {
    catalog: 'microsoft',
    redirectUris: ['{base}/admin/office365/token'],
    signInAudience: 'organizations',
    implicitPermissions: ['offline_access', 'openid', 'profile'],
    productScopes: undefined,
    hints: [ownCallback('Deskpro'), SECRET_MAY_END],
  },
  'botpress-v12': {
    catalog: 'microsoft',
    redirectUris: ['{callback}', '{base}/api/v1/auth/login-callback/oauth2/{strategy}'],
    signInAudience: 'common',
    implicitPermissions: ['openid', 'profile', 'email', 'offline_access'],
    productScopes: ['openid', 'profile', 'email'],
    hints: [
      // https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow: the code's answer brings the id_token.
      'The checkbox "ID tokens" (Authentication > Settings, Implicit grant and hybrid flows) is not needed: the vault uses the authorization code flow.',
      "The vault's callback takes the place of Botpress's. Where a strategy was given, Botpress's own stays registered beside it, for as long as Botpress itself signs users in.",
    ],
  },
  'botpress-cloud': {
    catalog: 'microsoft',
    redirectUris: ['https://webhook.botpress.cloud/oauth'],
    signInAudience: undefined,
    implicitPermissions: ['offline_access', 'openid', 'profile'],
    productScopes: undefined,
    hints: [
      ownCallback('Botpress'),
      "Account types and permissions are the integration's: where it wants others, say so with sign_in_audience and implicit_permissions of UpdateApp.",
      'To use one app for all bots, share it: UpdateApp with shared_with. Connections are found again by their external_id.',
    ],
  },
} as const satisfies Record<string, Preset>;

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

export function findPreset(name: string): Preset | undefined {
  return Object.hasOwn(PRESETS, name) ? PRESETS[name as keyof typeof PRESETS] : undefined;
}

function ownCallback(product: string): string {
  return `${product} runs the callback itself: StartAuthorization takes its redirect_uri, and CompleteAuthorization the state and code that came back.`;
}
