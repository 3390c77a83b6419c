import { GRAPH_PERMISSIONS, OUTLOOK_PERMISSIONS } from './microsoft_permissions.ts';

/** A protected resource for which an access token is issued. */
export interface Resource {
  /** As in the request, and in the token's `aud`. */
  id: string;
  family: 'graph' | 'outlook' | 'other';
  /** By lower-case name. Undefined: every name is valid. */
  permissions: Map<string, Permission> | undefined;
}

export interface Permission {
  /** Canonical spelling. */
  name: string;
  adminOnly: boolean;
  /** Needs an administrator where Microsoft manages consent. */
  managed: boolean;
  /** Available to personal accounts. */
  personal: boolean;
}

export const OIDC_SCOPES = ['openid', 'profile', 'email', 'offline_access'];

const GRAPH_HOSTS = [
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
];
const OUTLOOK_HOSTS = ['outlook.office.com', 'outlook.office365.com', 'outlook.office365.us', 'partner.outlook.cn'];
export const GRAPH = 'https://graph.microsoft.com';
export const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';

export type Resources = ReturnType<typeof createResources>;

export function createResources() {
  const byId = new Map<string, Resource>();
  const graphPermissions = readPermissions(GRAPH_PERMISSIONS);
  const outlookPermissions = readPermissions(OUTLOOK_PERMISSIONS);
  const put = (resource: Resource) => {
    byId.set(resource.id.toLowerCase(), resource);
    return resource;
  };
  for (const host of GRAPH_HOSTS) put({ id: `https://${host}`, family: 'graph', permissions: graphPermissions });
  for (const host of OUTLOOK_HOSTS) put({ id: `https://${host}`, family: 'outlook', permissions: outlookPermissions });
  const graph = byId.get(GRAPH) ?? put({ id: GRAPH, family: 'graph', permissions: graphPermissions });
  byId.set(GRAPH_APP_ID, graph);
  return {
    /** With or without its trailing slash. Undefined: not registered (500011). */
    find(id: string): Resource | undefined {
      const wanted = id.toLowerCase();
      return byId.get(wanted) ?? byId.get(wanted.endsWith('/') ? wanted.slice(0, -1) : `${wanted}/`);
    },
    /** Resource of a scope without a resource, such as `Mail.Read`. */
    graph,
    add: (id: string, permissions?: string[]): Resource =>
      put({
        id,
        family: 'other',
        permissions: permissions && readPermissions(permissions.map((name) => `${name} personal`).join('\n')),
      }),
  };
}

/** Lines of a name and its marks. */
function readPermissions(table: string): Map<string, Permission> {
  const lines = table.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [name = '', ...marks] = line.split(' ');
      const has = (mark: string) => marks.includes(mark);
      const permission = { name, adminOnly: has('administrator'), managed: has('managed'), personal: has('personal') };
      return [name.toLowerCase(), permission];
    }),
  );
}
