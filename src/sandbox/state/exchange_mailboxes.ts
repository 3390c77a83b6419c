/**
 * What Exchange Online knows of apps that open mailboxes themselves: service principals (`New-ServicePrincipal`), and their rights
 * on mailboxes (`Add-MailboxPermission`). Entra has service principals of its own.
 * https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
 */
export type Exchange = ReturnType<typeof createExchange>;

export function createExchange() {
  const servicePrincipals = new Set<string>();
  const permissions = new Set<string>();
  return {
    /** `objectId`: of the service principal in Entra; that of the app registration is a common mistake. */
    addServicePrincipal: (directoryId: string, clientId: string, objectId: string) =>
      void servicePrincipals.add(`${directoryId} ${clientId} ${objectId}`),
    hasServicePrincipal: (directoryId: string, clientId: string, objectId: string) =>
      servicePrincipals.has(`${directoryId} ${clientId} ${objectId}`),
    /** Full access; `mailbox`: the object id of its user. */
    addMailboxPermission: (mailbox: string, objectId: string) => void permissions.add(`${mailbox} ${objectId}`),
    hasMailboxPermission: (mailbox: string, objectId: string) => permissions.has(`${mailbox} ${objectId}`),
  };
}
