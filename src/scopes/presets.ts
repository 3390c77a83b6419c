/** How a product sets its app up, as its own pages say (`seeds/`): data that RegisterTenant fills gaps with. */
export interface Preset {
  readonly catalog: string;
  /** `{base}` is the product's own address. Undefined: the vault's own callback. */
  readonly redirectUri: string | undefined;
  readonly signInAudience: string;
  /** Asked for at every consent: OIDC scopes and permissions. */
  readonly implicitPermissions: readonly string[];
  /** What the product will ask for, so that the portal can be told beforehand; empty: as its operator chooses. */
  readonly productScopes: readonly string[];
  /** Sentences for `next_steps`. */
  readonly hints: readonly string[];
}

const PRESETS = {
  aurinko: {
    catalog: 'aurinko',
    redirectUri: undefined,
    signInAudience: 'common',
    implicitPermissions: ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'],
    productScopes: ['Mail.ReadWrite', 'Mail.Send', 'Calendar.ReadWrite', 'Contacts.ReadWrite', 'Tasks.ReadWrite'],
    hints: [],
  },
  chatwoot: {
    catalog: 'microsoft',
    redirectUri: '{base}/microsoft/callback',
    signInAudience: 'organizations',
    implicitPermissions: ['email', 'profile', 'offline_access', 'openid'],
    productScopes: [
      'Mail.ReadWrite',
      'Mail.Send',
      'https://outlook.office.com/IMAP.AccessAsUser.All',
      'https://outlook.office.com/SMTP.Send',
    ],
    hints: [
      'Chatwoot runs the callback itself: it hands state and code to CompleteAuthorization.',
      'The portal lists IMAP.AccessAsUser.All and SMTP.Send under Microsoft Graph; tokens for them are asked of Outlook all the same.',
    ],
  },
  deskpro: {
    catalog: 'microsoft',
    redirectUri: '{base}/admin/office365/token',
    signInAudience: 'organizations',
    implicitPermissions: ['offline_access', 'openid', 'profile'],
    productScopes: [],
    hints: [
      'Deskpro runs the callback itself: it hands state and code to CompleteAuthorization.',
      'Give the client secret an end: the vault takes a second one beside it, and nobody has to sign in again.',
    ],
  },
  'botpress-v12': {
    catalog: 'microsoft',
    redirectUri: '{base}/api/v1/auth/login-callback/oauth2/{strategy}',
    signInAudience: 'common',
    implicitPermissions: ['openid', 'profile', 'email', 'offline_access'],
    productScopes: [],
    hints: ['Botpress runs the callback itself: it hands state and code to CompleteAuthorization.'],
  },
  'botpress-cloud': {
    catalog: 'microsoft',
    redirectUri: 'https://webhook.botpress.cloud/oauth',
    signInAudience: 'organizations',
    implicitPermissions: ['offline_access', 'openid', 'profile'],
    productScopes: [],
    hints: [
      'Botpress runs the callback itself: it hands state and code to CompleteAuthorization.',
      'To use one app for all bots, share it: UpdateApp with shared_with. Connections are found again by their external_id.',
    ],
  },
} as const satisfies Record<string, Preset>;

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

export function findPreset(name: string): Preset | undefined {
  return Object.hasOwn(PRESETS, name) ? PRESETS[name as keyof typeof PRESETS] : undefined;
}
