import type { Cloud } from './entra_app.ts';
import { GUID } from './id_patterns.ts';

type Service = 'graph' | 'outlook';

const GLOBAL: Record<Service, string> = {
  graph: 'https://graph.microsoft.com',
  outlook: 'https://outlook.office.com',
};

/**
 * Service URLs by cloud. CUSTOM is a gateway to GLOBAL, or the sandbox: tokens name their resource, not the host that issued
 * them.
 * https://learn.microsoft.com/graph/deployments
 */
const RESOURCES = {
  GLOBAL,
  US_GOV: { graph: 'https://graph.microsoft.us', outlook: 'https://outlook.office365.us' },
  CHINA: { graph: 'https://microsoftgraph.chinacloudapi.cn', outlook: 'https://partner.outlook.cn' },
  CUSTOM: GLOBAL,
} as const satisfies Record<Cloud, Record<Service, string>>;

const SERVICE_OF: ReadonlyMap<string, Service> = new Map<string, Service>([
  ...Object.values(RESOURCES).flatMap((services) => [
    [services.graph, 'graph'] as const,
    [services.outlook, 'outlook'] as const,
  ]),
  // A second host of the same service, and the application ids of both services.
  ['https://outlook.office365.com', 'outlook'],
  ['00000003-0000-0000-c000-000000000000', 'graph'],
  ['00000002-0000-0ff1-ce00-000000000000', 'outlook'],
]);

export const GRAPH = GLOBAL.graph;

/** Instead of a permission: all consented permissions of a resource. */
export const ALL_CONSENTED = '.default';

/**
 * Canonical spelling of a resource. Scheme and host are in lower case (RFC 3986, 6.2.2.1), and so is an application id.
 * The path stays as it is, including trailing slashes: Entra compares it with the application id URI that was
 * registered, and `https://database.windows.net/` is another audience than the same URI without the slash.
 * Graph and Outlook are registered without one.
 * https://learn.microsoft.com/entra/identity-platform/scopes-oidc#trailing-slash-and-default
 */
export function canonicalResource(text: string): string {
  if (GUID.test(text)) return text.toLowerCase();
  const [, scheme = '', host = '', path = ''] = /^([^:]+):\/\/([^/]+)(.*)$/.exec(text) ?? [];
  const origin = `${scheme.toLowerCase()}://${host.toLowerCase()}`;
  return SERVICE_OF.has(origin) && /^\/+$/.test(path) ? origin : origin + path;
}

/** Undefined for a resource that is neither Graph nor Outlook of any cloud. */
export function serviceOf(resource: string): Service | undefined {
  return SERVICE_OF.get(resource);
}

/** Graph and Outlook of any cloud become those of this cloud; other resources stay. */
export function resourceIn(cloud: Cloud, resource: string): string {
  const service = serviceOf(resource);
  return service === undefined ? resource : RESOURCES[cloud][service];
}

/**
 * Whether a resource that Entra names can be the requested one. Resources other than Graph and Outlook can have several names
 * (application id, application id URIs).
 */
export function mayMean(named: string, requested: string): boolean {
  return named === requested || serviceOf(canonicalResource(named)) === serviceOf(canonicalResource(requested));
}

/**
 * Scopes of a request to Entra, in full form. No permissions request all that is consented; for Graph they request only
 * signing in, because the OIDC scopes in every request imply Graph.
 */
export function scopesOf(resource: string, permissions: readonly string[] | undefined): readonly string[] {
  const names = permissions ?? [ALL_CONSENTED];
  const isForAll = names.includes(ALL_CONSENTED) || (names.length === 0 && serviceOf(resource) !== 'graph');
  return (isForAll ? [ALL_CONSENTED] : names).map((name) => `${resource}/${name}`);
}
