import { Cloud } from '../../../gen/tokenvault/v1/app_pb.ts';

/** The parts of a URL of Entra's authorize or token endpoint. */
export interface EntraEndpoint {
  readonly cloud: Cloud;
  /** `common`, `organizations`, `consumers` or a directory id. */
  readonly audience: string;
  readonly version: 1 | 2;
}

/** Includes the older host names of MSAL's cloud discovery metadata. */
const CLOUDS: Readonly<Record<string, Cloud>> = {
  'login.microsoftonline.com': Cloud.GLOBAL,
  'login.microsoft.com': Cloud.GLOBAL,
  'login.windows.net': Cloud.GLOBAL,
  'login.microsoftonline.us': Cloud.US_GOV,
  'login.usgovcloudapi.net': Cloud.US_GOV,
  'login.partner.microsoftonline.cn': Cloud.CHINA,
  'login.chinacloudapi.cn': Cloud.CHINA,
};

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols#endpoints; without `v2.0` it is the v1.0 endpoint. */
const PATH = /^\/([^/]+)\/oauth2\/(v2\.0\/)?(authorize|token)\/?$/;
const AUDIENCE = /^(common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * `customLoginUrl`: the login URL of cloud CUSTOM, if the vault has one. `NOT_ENTRA`: the URL of another provider. `flaw`:
 * the problem of a URL of Entra.
 */
export function entraEndpoint(
  address: string,
  customLoginUrl?: string,
): EntraEndpoint | 'NOT_ENTRA' | { flaw: string } {
  if (!URL.canParse(address)) return { flaw: 'must be an absolute URL' };
  const url = new URL(address);
  const custom = customLoginUrl === undefined ? undefined : below(url, new URL(customLoginUrl));
  const cloud = custom === undefined ? CLOUDS[url.hostname] : Cloud.CUSTOM;
  if (cloud === undefined) return 'NOT_ENTRA';
  if (url.protocol !== 'https:' && !(cloud === Cloud.CUSTOM && isLoopback(url))) return { flaw: 'must be https' };
  const [, first, v2, endpoint] = PATH.exec(custom ?? url.pathname) ?? [];
  if (first === undefined || endpoint === undefined)
    return { flaw: 'must end in /{directory}/oauth2/v2.0/authorize or …/token' };
  const audience = first.toLowerCase();
  if (!AUDIENCE.test(audience)) {
    return {
      flaw: 'must name common, organizations, consumers or the id (GUID) of a directory, because a domain can move to another directory',
    };
  }
  return { cloud, audience, version: v2 === undefined ? 1 : 2 };
}

/** The path below the login URL; undefined: the URL is not below it. */
function below(url: URL, login: URL): string | undefined {
  const base = login.pathname.replace(/\/+$/, '');
  if (url.origin !== login.origin || !url.pathname.startsWith(`${base}/`)) return undefined;
  return url.pathname.slice(base.length);
}

function isLoopback({ hostname }: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
