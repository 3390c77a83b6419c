/** How a product's documentation (`seeds/`) sets up its app: the defaults of RegisterTenant. */
export interface Preset {
  readonly catalog: string;
  /**
   * In order. `{callback}` is the vault's callback, `{base}` the base URL of the product; one with `{strategy}` is used only
   * if a strategy is given.
   */
  readonly redirectUris: readonly string[];
  /** Undefined: the operator's choice. */
  readonly signInAudience: string | undefined;
  /** OIDC scopes and permissions that every consent requests. */
  readonly implicitPermissions: readonly string[];
  /** The scopes that the product will request, to be registered in the portal beforehand; undefined: the operator's choice. */
  readonly productScopes: readonly string[] | undefined;
  /** Sentences for `next_steps`, after the steps in the portal. */
  readonly hints: readonly string[];
}

const SECRET_EXPIRY =
  'A client secret can have an expiry date: before it expires, pass the next one (Certificates & secrets > New client secret, at most 24 months) to AddCredential. Both are valid meanwhile, and no user has to sign in again.';

const PRESETS = {
  aurinko: {
    catalog: 'aurinko',
    redirectUris: ['{callback}'],
    signInAudience: 'common',
    implicitPermissions: ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'],
    productScopes: ['Mail.ReadWrite', 'Mail.Send', 'Calendar.ReadWrite', 'Contacts.ReadWrite', 'Tasks.ReadWrite'],
    hints: [SECRET_EXPIRY],
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
      'Optional claims (Token configuration) are not needed, because the scope email is requested.',
      'Pass a new client secret to AddCredential instead of AZURE_APP_SECRET; no restart is needed.',
    ],
  },
  deskpro: {
    catalog: 'microsoft',
    redirectUris: ['{base}/admin/office365/token'],
    signInAudience: 'organizations',
    implicitPermissions: ['offline_access', 'openid', 'profile'],
    productScopes: undefined,
    hints: [ownCallback('Deskpro'), SECRET_EXPIRY],
  },
  'botpress-v12': {
    catalog: 'microsoft',
    redirectUris: ['{callback}', '{base}/api/v1/auth/login-callback/oauth2/{strategy}'],
    signInAudience: 'common',
    implicitPermissions: ['openid', 'profile', 'email', 'offline_access'],
    productScopes: ['openid', 'profile', 'email'],
    hints: [
      // https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow: the token response contains the id_token.
      'The checkbox "ID tokens" (Authentication > Settings, Implicit grant and hybrid flows) is not needed, because the vault uses the authorization code flow.',
      "The vault's callback replaces that of Botpress. If a strategy is given, Botpress's own callback stays registered too, for as long as Botpress itself signs users in.",
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
      'The integration determines account types and permissions. If it needs others, set sign_in_audience and implicit_permissions with UpdateApp.',
      'To use one app for all bots, share it by shared_with with UpdateApp. Find connections by their external_id.',
    ],
  },
} as const satisfies Record<string, Preset>;

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

export function findPreset(name: string): Preset | undefined {
  return Object.hasOwn(PRESETS, name) ? PRESETS[name as keyof typeof PRESETS] : undefined;
}

function ownCallback(product: string): string {
  return `${product} runs the callback itself: pass its redirect_uri to StartAuthorization, and the returned state and code to CompleteAuthorization.`;
}
