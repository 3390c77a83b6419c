import { BearerError, checkBearerToken } from '../graph/check_bearer_token.ts';
import type { SandboxState } from '../state/sandbox_state.ts';

const CAPABILITIES =
  '* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+';

/** `not_connected`: Exchange accepts the token, and refuses every command that needs the mailbox. */
type SignIn = 'none' | 'not_connected' | 'connected';

const INBOX = [
  '* 0 EXISTS',
  '* 0 RECENT',
  '* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)',
  '* OK [PERMANENTFLAGS ()] Permanent flags',
  '* OK [UIDVALIDITY 14] UIDVALIDITY value',
  '* OK [UIDNEXT 1] The next unique identifier value',
];

/** One IMAP connection: a line in, lines out (RFC 3501). Literals are not understood. */
export function createImapSession(state: SandboxState) {
  let signedIn: SignIn = 'none';
  let awaitsToken: string | undefined;
  let over = false;

  async function authenticate(tag: string, encoded: string): Promise<readonly string[]> {
    signedIn = await signIn(state, Buffer.from(encoded, 'base64').toString());
    return [signedIn === 'none' ? `${tag} NO AUTHENTICATE failed.` : `${tag} OK AUTHENTICATE completed.`];
  }

  function needsMailbox(tag: string, name: string, lines: readonly string[]): readonly string[] {
    if (signedIn === 'none') return [`${tag} BAD Command received in Invalid state.`];
    if (signedIn === 'not_connected') return [`${tag} BAD User is authenticated but not connected.`];
    return [...lines, `${tag} OK ${name} completed.`];
  }

  return {
    isOver: () => over,
    async respond(line: string): Promise<readonly string[]> {
      if (awaitsToken !== undefined) {
        const tag = awaitsToken;
        awaitsToken = undefined;
        return authenticate(tag, line);
      }
      const [tag = '*', command = '', ...rest] = line.split(' ');
      const name = command.toUpperCase();
      switch (name) {
        case 'CAPABILITY':
          return [CAPABILITIES, `${tag} OK CAPABILITY completed.`];
        case 'ID':
          return ['* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")', `${tag} OK ID completed`];
        case 'NOOP':
          return [`${tag} OK NOOP completed.`];
        case 'LOGOUT':
          over = true;
          return ['* BYE Microsoft Exchange Server IMAP4 server signing off.', `${tag} OK LOGOUT completed.`];
        case 'AUTHENTICATE': {
          const [mechanism = '', initial] = rest;
          if (mechanism.toUpperCase() !== 'XOAUTH2') return [`${tag} NO AUTHENTICATE failed.`];
          if (initial !== undefined) return authenticate(tag, initial);
          awaitsToken = tag;
          return ['+ '];
        }
        // Basic authentication is off in Exchange Online.
        case 'LOGIN':
          return [`${tag} NO LOGIN failed.`];
        case 'NAMESPACE':
          return needsMailbox(tag, name, ['* NAMESPACE (("" "/")) NIL NIL']);
        case 'LIST':
          return needsMailbox(tag, name, ['* LIST (\\Marked \\HasNoChildren) "/" INBOX']);
        case 'SELECT':
          return needsMailbox(tag, name, INBOX);
        case 'EXAMINE':
          return needsMailbox(tag, name, [...INBOX, `* OK [READ-ONLY] ${name}`]);
        default:
          return [`${tag} BAD Command Argument Error. 11`];
      }
    },
  };
}

/** `user={mailbox}^Aauth=Bearer {token}^A^A`: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
async function signIn(state: SandboxState, response: string): Promise<SignIn> {
  const fields = response.split('\u0001');
  const mailbox = /^user=(.*)$/i.exec(fields[0] ?? '')?.[1] ?? '';
  const token = /^auth=Bearer (.*)$/i.exec(fields[1] ?? '')?.[1] ?? '';
  try {
    const bearer = await checkBearerToken(state, token, 'outlook');
    const { directoryId, clientId, objectId } = bearer;
    const user = state.users.find(mailbox);
    if (bearer.permissions.has('IMAP.AccessAsUser.All')) {
      return state.users.find(objectId) === user && user !== undefined ? 'connected' : 'not_connected';
    }
    if (!bearer.roles.has('IMAP.AccessAsApp')) return 'none';
    if (user === undefined || user.directoryId !== directoryId) return 'none';
    if (!state.exchange.hasServicePrincipal(directoryId, clientId, objectId)) return 'none';
    return state.exchange.hasMailboxPermission(user.objectId, objectId) ? 'connected' : 'not_connected';
  } catch (error) {
    if (!(error instanceof BearerError)) throw error;
    return 'none';
  }
}
