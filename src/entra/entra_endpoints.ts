import { createBoundedCache } from '../model/bounded_cache.ts';
import { type App, type Cloud, homeDirectory, PERSONAL_DIRECTORY } from '../model/entra_app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { isLoopbackHost } from '../model/listen_address.ts';

/** Cloud CUSTOM: the sandbox, or a gateway in front of Entra. */
export interface CustomCloud {
  /** `https://login.example.com`; http only on loopback. */
  readonly loginUrl: string;
  /** Endpoint of Graph; undefined: that of the public cloud. */
  readonly graphUrl?: string | undefined;
}

/** Entra's URLs for one directory of one cloud. */
export interface Authority {
  readonly authorizeEndpoint: string;
  readonly tokenEndpoint: string;
  /** Of the endpoints. */
  readonly origin: string;
  readonly adminConsentEndpoint: string;
  /** Canonical resource URI of Graph, to which a permission without a resource refers. */
  readonly graph: string;
  /** Endpoint of Graph, without the version and without a trailing slash. */
  readonly graphEndpoint: string;
  /** Configuration with which MSAL requests no metadata and accepts an http token endpoint. */
  readonly msal: {
    readonly authority: string;
    readonly knownAuthorities: string[];
    readonly authorityMetadata: string;
  };
}

export type Authorities = ReturnType<typeof createAuthorities>;

/** The directory in which an app signs in: the named one, its own one, or its audience. */
export function directoryOf(app: App, directoryId: string | undefined): string {
  return directoryId ?? homeDirectory(app) ?? app.signInAudience;
}

/** The directory in which a user signs in. Microsoft documents `consumers` for personal accounts. */
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

/** MSAL requires an https authority. It never connects to this one, because its metadata is configured. */
const PLACEHOLDER = 'https://login.custom.invalid';

export function createAuthorities(customCloud: CustomCloud | undefined) {
  const custom = customCloud && checkCustomCloud(customCloud);
  const authorities = createBoundedCache<string, Authority>(10_000);
  return {
    /** `directory`: a directory id or domain, `organizations`, `common` or `consumers`. */
    of(cloud: Cloud, directory: string): Authority {
      const key = `${cloud} ${directory}`;
      const known = authorities.get(key);
      if (known !== undefined) return known;
      const built = build(cloud === 'CUSTOM' ? custom : CLOUDS[cloud], directory);
      authorities.set(key, built);
      return built;
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
      'Cloud CUSTOM is not configured. Set TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL, or choose another cloud.',
    );
  }
  // It becomes part of a path: a slash or a question mark would send the client secret to another path.
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$/.test(directory)) {
    throw fieldInvalid('directory_id', 'must be a directory id or a domain name');
  }
  const base = `${cloud.login}/${directory}`;
  const secureBase = base.startsWith('https:') ? base : `${PLACEHOLDER}/${directory}`;
  const authorizeEndpoint = `${base}/oauth2/v2.0/authorize`;
  const tokenEndpoint = `${base}/oauth2/v2.0/token`;
  return {
    authorizeEndpoint,
    tokenEndpoint,
    origin: new URL(base).origin,
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
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    throw fieldInvalid(field, 'must be https; only loopback addresses may use http');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
