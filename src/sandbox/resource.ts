/** What an access token can be for. */
export interface Resource {
  /** As asked for, and as the token's `aud` says. */
  id: string;
  family: 'graph' | 'outlook' | 'other';
  /** Canonical spelling and whether only an administrator can grant it; by lower-case name. Undefined: any name goes. */
  permissions: Map<string, Permission> | undefined;
}

export interface Permission {
  name: string;
  adminOnly: boolean;
}

export const OIDC_SCOPES = ['openid', 'profile', 'email', 'offline_access'];

const USER_GRANTABLE = `User.Read User.ReadBasic.All User.ReadWrite Mail.Read Mail.ReadBasic Mail.ReadWrite Mail.Send Mail.Read.Shared
  Mail.ReadWrite.Shared Mail.Send.Shared MailboxSettings.Read MailboxSettings.ReadWrite Calendars.Read Calendars.ReadBasic
  Calendars.ReadWrite Calendars.Read.Shared Calendars.ReadWrite.Shared Contacts.Read Contacts.ReadWrite Contacts.Read.Shared
  Contacts.ReadWrite.Shared Tasks.Read Tasks.ReadWrite Tasks.Read.Shared Tasks.ReadWrite.Shared Files.Read Files.ReadWrite
  Files.Read.All Files.ReadWrite.All Notes.Read Notes.ReadWrite People.Read Presence.Read Chat.Read Chat.ReadWrite
  OnlineMeetings.Read OnlineMeetings.ReadWrite Team.ReadBasic.All Channel.ReadBasic.All IMAP.AccessAsUser.All
  POP.AccessAsUser.All SMTP.Send EWS.AccessAsUser.All Application.Read.All`;
const ADMIN_ONLY = `User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All Group.Read.All
  Group.ReadWrite.All Application.ReadWrite.All Application.ReadWrite.OwnedBy AuditLog.Read.All Sites.FullControl.All
  ChannelMessage.Read.All People.Read.All Policy.Read.All`;
const OUTLOOK = `IMAP.AccessAsUser.All POP.AccessAsUser.All SMTP.Send EWS.AccessAsUser.All User.Read Mail.Read Mail.ReadWrite
  Mail.Send Calendars.Read Calendars.ReadWrite Contacts.Read Contacts.ReadWrite Tasks.Read Tasks.ReadWrite`;

const GRAPH_HOSTS = [
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
];
const OUTLOOK_HOSTS = ['outlook.office.com', 'outlook.office365.com', 'outlook.office365.us', 'partner.outlook.cn'];
export const GRAPH = 'https://graph.microsoft.com';
export const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';

export interface Resources {
  /** With or without its slash at the end. Undefined for one that nobody registered (500011). */
  find(id: string): Resource | undefined;
  /** Graph, which a bare permission means. */
  graph: Resource;
  add(id: string, permissions?: string[]): Resource;
}

export function createResources(): Resources {
  const byId = new Map<string, Resource>();
  const graphPermissions = new Map([
    ...permissionMap(`${USER_GRANTABLE} ${OIDC_SCOPES.join(' ')}`, false),
    ...permissionMap(ADMIN_ONLY, true),
  ]);
  const outlookPermissions = permissionMap(OUTLOOK, false);
  const put = (resource: Resource) => {
    byId.set(resource.id.toLowerCase(), resource);
    return resource;
  };
  for (const host of GRAPH_HOSTS) put({ id: `https://${host}`, family: 'graph', permissions: graphPermissions });
  for (const host of OUTLOOK_HOSTS) put({ id: `https://${host}`, family: 'outlook', permissions: outlookPermissions });
  const graph = byId.get(GRAPH) ?? put({ id: GRAPH, family: 'graph', permissions: graphPermissions });
  byId.set(GRAPH_APP_ID, graph);
  return {
    find(id) {
      const wanted = id.toLowerCase();
      return byId.get(wanted) ?? byId.get(wanted.endsWith('/') ? wanted.slice(0, -1) : `${wanted}/`);
    },
    graph,
    add: (id, permissions) =>
      put({
        id,
        family: 'other',
        permissions: permissions === undefined ? undefined : permissionMap(permissions.join(' '), false),
      }),
  };
}

function permissionMap(names: string, adminOnly: boolean): Map<string, Permission> {
  const split = names.split(/\s+/).filter((name) => name !== '');
  return new Map(split.map((name) => [name.toLowerCase(), { name, adminOnly }]));
}
