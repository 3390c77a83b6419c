/** The first of the three steps that is missing, in the order in which to do them. */
export type MailboxOutcome =
  | 'ACCESSIBLE'
  | 'CONSENT_MISSING'
  | 'SERVICE_PRINCIPAL_MISSING'
  | 'PERMISSION_MISSING'
  | 'UNKNOWN';

/** Whether an app can open a mailbox as itself, without a user. */
export interface MailboxReport {
  readonly mailbox: string;
  readonly outcome: MailboxOutcome;
  /** What was found, and what to do next. */
  readonly message: string;
  /** To run in this order, in the Azure CLI or in Exchange Online PowerShell. Empty: nothing to run. */
  readonly commands: readonly string[];
}

export interface MailboxFacts {
  readonly clientId: string;
  readonly directoryId: string;
  readonly mailbox: string;
  /** Object id of the app's service principal in the directory. Undefined: the token does not name it. */
  readonly principalId: string | undefined;
}

export const IMAP_ROLE = 'IMAP.AccessAsApp';
export const SMTP_ROLE = 'SMTP.SendAsApp';

const EXCHANGE_APP_ID = '00000002-0000-0ff1-ce00-000000000000';

/** https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth */
export function consentCommands(clientId: string, directoryId: string): readonly string[] {
  const roleId = `$(az ad sp show --id ${EXCHANGE_APP_ID} --query "appRoles[?value=='${IMAP_ROLE}'].id" --output tsv)`;
  return [
    `az login --allow-no-subscriptions --tenant ${directoryId}`,
    `az ad app permission add --id ${clientId} --api ${EXCHANGE_APP_ID} --api-permissions "${roleId}=Role"`,
    `az ad app permission admin-consent --id ${clientId}`,
  ];
}

/** In Exchange Online PowerShell. `-ObjectId` is that of the enterprise application, not that of the app registration. */
export function servicePrincipalCommands({ clientId, directoryId, principalId }: MailboxFacts): readonly string[] {
  const objectId = principalId ?? `(az ad sp show --id ${clientId} --query id --output tsv)`;
  return [
    `Connect-ExchangeOnline -Organization ${directoryId}`,
    `New-ServicePrincipal -AppId ${clientId} -ObjectId ${objectId}`,
  ];
}

export function mailboxPermissionCommands(facts: MailboxFacts): readonly string[] {
  const { clientId, directoryId, mailbox, principalId } = facts;
  const user = principalId ?? `(Get-ServicePrincipal | Where-Object AppId -eq '${clientId}').Identity`;
  return [
    `Connect-ExchangeOnline -Organization ${directoryId}`,
    `Add-MailboxPermission -Identity ${quoted(mailbox)} -User ${user} -AccessRights FullAccess`,
  ];
}

/** What shows the two steps in Exchange without an IMAP connection. */
export function inspectionCommands({ clientId, directoryId, mailbox, principalId }: MailboxFacts): readonly string[] {
  const user = principalId === undefined ? '' : ` -User ${principalId}`;
  return [
    `Connect-ExchangeOnline -Organization ${directoryId}`,
    `Get-ServicePrincipal | Where-Object AppId -eq '${clientId}'`,
    `Get-MailboxPermission -Identity ${quoted(mailbox)}${user}`,
  ];
}

/** https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
