import type { Cloud } from '../model/app.ts';

type Service = 'graph' | 'outlook';

const GLOBAL: Record<Service, string> = {
  graph: 'https://graph.microsoft.com',
  outlook: 'https://outlook.office.com',
};

/**
 * Where each cloud has its services. CUSTOM is a gateway or the sandbox before a cloud that calls itself GLOBAL: tokens
 * name their resource, not the host that they came through.
 * https://learn.microsoft.com/graph/deployments
 */
const RESOURCES = {
  GLOBAL,
  US_GOV: { graph: 'https://graph.microsoft.us', outlook: 'https://outlook.office365.us' },
  CHINA: { graph: 'https://microsoftgraph.chinacloudapi.cn', outlook: 'https://partner.outlook.cn' },
  CUSTOM: GLOBAL,
} as const satisfies Record<Cloud, Record<Service, string>>;

const SERVICE_OF: ReadonlyMap<string, Service> = new Map(
  Object.values(RESOURCES).flatMap((services) => [
    [services.graph, 'graph'] as const,
    [services.outlook, 'outlook'] as const,
  ]),
);

export const GRAPH = GLOBAL.graph;
export const OUTLOOK = GLOBAL.outlook;

/** The resource as the cloud names it: Graph and Outlook of any cloud become this cloud's own; others stay. */
export function resourceIn(cloud: Cloud, resource: string): string {
  const service = SERVICE_OF.get(resource);
  return service === undefined ? resource : RESOURCES[cloud][service];
}

/**
 * Without trailing slashes, scheme and host in lower case (RFC 3986, 6.2.2.1); the path keeps its case, since an
 * application id URI is echoed as it was registered.
 */
export function canonicalResource(uri: string): string {
  const [, scheme = '', host = '', path = ''] = /^([^:]+):\/\/([^/]+)(.*)$/.exec(uri) ?? [];
  return `${scheme.toLowerCase()}://${host.toLowerCase()}${path.replace(/\/+$/, '')}`;
}
