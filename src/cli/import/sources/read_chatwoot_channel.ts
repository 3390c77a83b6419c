import { z } from 'zod';
import type { Entry } from '../connection_to_import.ts';
import { type ConnectionsFileDefaults, readConnectionsFile } from '../parse_connection_json.ts';
import { quoted, type Read, rejectedEntry } from '../rejected_entry.ts';

/** The scopes of Chatwoot's own set-up page: mail on Graph, and mail protocols on Outlook. */
export const CHATWOOT_SCOPES = [
  'Mail.ReadWrite',
  'Mail.Send',
  'https://outlook.office.com/IMAP.AccessAsUser.All',
  'https://outlook.office.com/SMTP.Send',
];

const id = z.union([z.int().positive(), z.string().regex(/^[1-9]\d{0,18}$/)]);
/** Columns of the table `channel_email`; other columns are ignored. */
const row = z.object({
  id,
  account_id: id.nullish(),
  email: z.string().nullish(),
  provider: z.string().nullish(),
  provider_config: z.unknown(),
});

const RECONNECT =
  'Connect the inbox again in Chatwoot and export it again, or let its user sign in with StartAuthorization.';

/** Reads a row, as exported by `row_to_json` or ActiveRecord, as the connection `channel-{id}`. */
export function readChatwootChannel(value: unknown, line: number, defaults: ConnectionsFileDefaults): Read<Entry> {
  const refuse = (what: string, why: string) => ({
    rejected: rejectedEntry({ line, what, reason: 'FIELD_INVALID', why, nextStep: RECONNECT }),
  });
  const parsed = row.safeParse(value);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => path.map(String).join('.') || 'the line'))];
    return refuse('line', `${fields.join(', ')}: not as in channel_email`);
  }
  const { id, account_id, email, provider, provider_config } = parsed.data;
  const what = `channel ${id}`;
  if (provider !== 'microsoft') {
    const why = provider == null || provider === '' ? 'has no provider' : `has the provider ${quoted(provider)}`;
    const nextStep = 'No action needed: the vault serves only Microsoft accounts.';
    return { rejected: rejectedEntry({ outcome: 'SKIPPED', line, what, reason: 'NOT_MICROSOFT', why, nextStep }) };
  }
  const token = refreshTokenOf(provider_config);
  if (token === undefined) return refuse(what, 'provider_config has no refresh_token');
  return readConnectionsFile(
    {
      connection: `channel-${id}`,
      refresh_token: token,
      external_id: `chatwoot:channel_email:${id}`,
      labels: account_id == null ? {} : { chatwoot_account_id: String(account_id) },
      // The address of the mailbox, which may be shared: not the username of the account that signed in.
      account: email == null || email === '' ? undefined : { email },
    },
    line,
    defaults,
  );
}

/** `jsonb` is exported as an object, or as its text. */
function refreshTokenOf(config: unknown): string | undefined {
  let value = config;
  if (typeof config === 'string') {
    try {
      value = JSON.parse(config);
    } catch {
      return undefined;
    }
  }
  const token = (value as { refresh_token?: unknown } | null | undefined)?.refresh_token;
  return typeof token === 'string' && token !== '' ? token : undefined;
}
