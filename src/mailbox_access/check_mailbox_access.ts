import { decodeJwt } from 'jose';
import type { AccessToken } from '../model/access_token.ts';
import type { Cloud } from '../model/entra_app.ts';
import { fieldInvalid, isVaultError } from '../model/errors.ts';
import { resourceIn } from '../model/microsoft_resource_uri.ts';
import type { AccessTokens } from '../tokens/access_token_service_interface.ts';
import { openInbox } from './imap_inbox.ts';
import {
  consentCommands,
  IMAP_ROLE,
  inspectionCommands,
  type MailboxFacts,
  type MailboxReport,
  mailboxPermissionCommands,
  SMTP_ROLE,
  servicePrincipalCommands,
} from './mailbox_report.ts';

export interface MailboxAccess {
  /** FIELD_INVALID: mailbox; directory_id, if the app serves several directories. Everything else is in the report. */
  check(request: MailboxRequest): Promise<MailboxReport>;
}

export interface MailboxRequest {
  readonly tenantId: string;
  readonly appId: string;
  readonly clientId: string;
  readonly cloud: Cloud;
  /** Undefined: the app's own directory. */
  readonly directoryId: string | undefined;
  /** Address of the mailbox. */
  readonly mailbox: string;
  readonly signal: () => AbortSignal;
}

/** https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/pop3-and-imap4/pop3-and-imap4 */
const IMAP_SERVERS: Readonly<Record<Cloud, string>> = {
  GLOBAL: 'imaps://outlook.office365.com',
  US_GOV: 'imaps://outlook.office365.us',
  CHINA: 'imaps://partner.outlook.cn',
  CUSTOM: 'imaps://outlook.office365.com',
};

const OUTLOOK = 'https://outlook.office.com';
const ADDRESS = /^[^\s@\p{Cc}]{1,64}@[^\s@\p{Cc}]{1,255}$/u;
const LATER = 'A change needs up to an hour to take effect.';

/** `customServer`: IMAP server of cloud CUSTOM; undefined: that of the public cloud. */
export function createMailboxAccess(
  accessTokens: Pick<AccessTokens, 'getForApp'>,
  customServer: string | undefined,
): MailboxAccess {
  async function appToken(request: MailboxRequest): Promise<AccessToken> {
    const { tenantId, appId, cloud, directoryId, signal } = request;
    const resource = resourceIn(cloud, OUTLOOK);
    const served = await accessTokens.getForApp({
      tenantId,
      appId,
      resource,
      directoryId,
      minTtl: 0,
      fresh: true,
      signal,
    });
    return served.accessToken;
  }

  return {
    async check(request) {
      const { mailbox, clientId, cloud } = request;
      if (!ADDRESS.test(mailbox)) throw fieldInvalid('mailbox', 'must be the address of a mailbox: name@example.com');
      let accessToken: AccessToken;
      try {
        accessToken = await appToken(request);
      } catch (error) {
        return withoutToken(request, error);
      }
      const { roles, principalId, directoryId } = readClaims(accessToken);
      const facts = { clientId, mailbox, principalId, directoryId: directoryId ?? request.directoryId ?? '' };
      if (roles !== undefined && !roles.includes(IMAP_ROLE)) return withoutRole(facts, roles);
      const server = (cloud === 'CUSTOM' ? customServer : undefined) ?? IMAP_SERVERS[cloud];
      const answer = await openInbox({ server, mailbox, accessToken: accessToken.token, signal: request.signal() });
      switch (answer.kind) {
        case 'open':
          return report(mailbox, 'ACCESSIBLE', 'Exchange opens the inbox for the app.', []);
        case 'refused':
          return report(
            mailbox,
            'SERVICE_PRINCIPAL_MISSING',
            `Exchange refuses the app's token: its service principal is missing in Exchange, or was created with another object id (that of the app registration instead of the enterprise application), or the mailbox does not exist. Create it, then the permission. ${LATER}`,
            [...servicePrincipalCommands(facts), ...mailboxPermissionCommands(facts).slice(1)],
          );
        case 'not_connected':
          return report(
            mailbox,
            'PERMISSION_MISSING',
            `Exchange knows the app, but the app has no permission on this mailbox. ${LATER}`,
            mailboxPermissionCommands(facts),
          );
        case 'unreachable':
          return report(
            mailbox,
            'UNKNOWN',
            `The token has the role ${IMAP_ROLE}, but ${new URL(server).host} gave no usable response (${answer.detail}). The check needs a direct connection to port 993. Repeat it, or run the commands to see both steps.`,
            inspectionCommands(facts),
          );
      }
    },
  };
}

function report(
  mailbox: string,
  outcome: MailboxReport['outcome'],
  message: string,
  commands: readonly string[],
): MailboxReport {
  return { mailbox, outcome, message, commands };
}

function withoutToken({ mailbox, clientId, directoryId }: MailboxRequest, error: unknown): MailboxReport {
  if (!isVaultError(error) || error.reason === 'FIELD_INVALID') throw error;
  if (error.reason !== 'ADMIN_CONSENT_REQUIRED') {
    const message = `The mailbox was not checked, because the vault has no token of the app for Exchange. ${error.message}`;
    return report(mailbox, 'UNKNOWN', message, []);
  }
  return report(mailbox, 'CONSENT_MISSING', error.message, consentCommands(clientId, directoryId ?? 'DIRECTORY'));
}

function withoutRole(facts: MailboxFacts, roles: readonly string[]): MailboxReport {
  const { mailbox, clientId, directoryId } = facts;
  if (roles.includes(SMTP_ROLE)) {
    const message = `The app may send (${SMTP_ROLE}), but has no role ${IMAP_ROLE}, and only IMAP shows which step is missing. Run the commands to see both steps.`;
    return report(mailbox, 'UNKNOWN', message, inspectionCommands(facts));
  }
  return report(
    mailbox,
    'CONSENT_MISSING',
    `The app has no role ${IMAP_ROLE} or ${SMTP_ROLE} in directory ${directoryId}. Add the application permission (APIs my organization uses > Office 365 Exchange Online > Application permissions), and let an administrator of the directory consent. ${LATER}`,
    consentCommands(clientId, directoryId),
  );
}

/**
 * Claims of the app's own token. It is meant for Exchange, which may change its format: what cannot be read is undefined.
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
function readClaims({ token }: AccessToken): {
  roles: readonly string[] | undefined;
  principalId: string | undefined;
  directoryId: string | undefined;
} {
  try {
    const { roles = [], oid, tid } = decodeJwt<{ roles?: unknown; oid?: unknown; tid?: unknown }>(token.reveal());
    return {
      roles: Array.isArray(roles) ? roles.map(String) : undefined,
      principalId: typeof oid === 'string' ? oid : undefined,
      directoryId: typeof tid === 'string' ? tid : undefined,
    };
  } catch {
    return { roles: undefined, principalId: undefined, directoryId: undefined };
  }
}
