import { type App, type Cloud, homeDirectory, PERSONAL_DIRECTORY } from '../model/app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';

/** Cloud CUSTOM: the sandbox, or a gateway in front of Entra. */
export interface CustomCloud {
  /** `https://login.example.com`; http only on loopback. */
  readonly loginUrl: string;
  /** Where Graph answers; undefined: where it does in the public cloud. */
  readonly graphUrl?: string | undefined;
}

/** Entra's URLs for one directory of one cloud. */
export interface Authority {
  readonly authorizeEndpoint: string;
  readonly tokenEndpoint: string;
  readonly adminConsentEndpoint: string;
  /** Canonical resource URI of Graph, which a bare permission means. */
  readonly graph: string;
  /** Where Graph answers, without the version and without a slash at the end. */
  readonly graphEndpoint: string;
  /** What MSAL must be told so that it asks nobody for metadata, and takes an http token endpoint. */
  readonly msal: {
    readonly authority: string;
    readonly knownAuthorities: string[];
    readonly authorityMetadata: string;
  };
}

export interface Authorities {
  /** `directory`: a directory id or domain, `organizations`, `common` or `consumers`. */
  of(cloud: Cloud, directory: string): Authority;
}

/** Where an app signs in when no directory is named. */
export function directoryOf(app: App, directoryId: string | undefined): string {
  return directoryId ?? homeDirectory(app) ?? app.signInAudience;
}

/** Where a user signs in. Personal accounts have an address of their own, the word that Microsoft documents for their directory. */
export function signInDirectoryOf(app: App, directoryId: string | undefined): string {
  return directoryId === PERSONAL_DIRECTORY ? 'consumers' : directoryOf(app, directoryId);
}

const GRAPH = 'https://graph.microsoft.com';

/** https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const CLOUDS: Readonly<Record<Exclude<Cloud, 'CUSTOM'>, { login: string; graph: string }>> = {
  GLOBAL: { login: 'https://login.microsoftonline.com', graph: GRAPH },
  US_GOV: { login: 'https://login.microsoftonline.us', graph: 'https://graph.microsoft.us' },
  CHINA: { login: 'https://login.partner.microsoftonline.cn', graph: 'https://microsoftgraph.chinacloudapi.cn' },
};

/** MSAL wants an https authority; with its metadata given it never connects to it. */
const STAND_IN = 'https://login.custom.invalid';

export function createAuthorities(customCloud: CustomCloud | undefined): Authorities {
  const custom = customCloud && checkCustomCloud(customCloud);
  const known = new Map<string, Authority>();
  return {
    of(cloud, directory) {
      const key = `${cloud} ${directory}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const made = build(cloud === 'CUSTOM' ? custom : CLOUDS[cloud], directory);
      if (known.size >= 10_000) known.clear();
      known.set(key, made);
      return made;
    },
  };
}

function build(
  cloud: { login: string; graph: string; graphEndpoint?: string } | undefined,
  directory: string,
): Authority {
  if (cloud === undefined) {
    throw new VaultError(
      'APP_MISCONFIGURED',
      'The app is in cloud CUSTOM, but the vault has no address of it: configure TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL, or choose another cloud',
    );
  }
  // It becomes a part of a path: a slash or a question mark would lead a secret elsewhere.
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$/.test(directory)) {
    throw fieldInvalid('directory_id', 'must be a directory id or a domain name');
  }
  const base = `${cloud.login}/${directory}`;
  const secureBase = base.startsWith('https:') ? base : `${STAND_IN}/${directory}`;
  const authorizeEndpoint = `${base}/oauth2/v2.0/authorize`;
  const tokenEndpoint = `${base}/oauth2/v2.0/token`;
  return {
    authorizeEndpoint,
    tokenEndpoint,
    adminConsentEndpoint: `${base}/v2.0/adminconsent`,
    graph: cloud.graph,
    graphEndpoint: cloud.graphEndpoint ?? cloud.graph,
    msal: {
      authority: secureBase,
      knownAuthorities: [new URL(secureBase).host],
      authorityMetadata: JSON.stringify({
        authorization_endpoint: authorizeEndpoint,
        token_endpoint: tokenEndpoint,
        issuer: `${secureBase}/v2.0`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      }),
    },
  };
}

function checkCustomCloud(custom: CustomCloud): { login: string; graph: string; graphEndpoint: string } {
  return {
    login: checkedUrl('custom_cloud_login_url', custom.loginUrl),
    graph: GRAPH,
    graphEndpoint: custom.graphUrl === undefined ? GRAPH : checkedUrl('custom_cloud_graph_url', custom.graphUrl),
  };
}

function checkedUrl(field: string, text: string): string {
  const url = new URL(text);
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw fieldInvalid(field, 'must be https; http is for loopback alone');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
