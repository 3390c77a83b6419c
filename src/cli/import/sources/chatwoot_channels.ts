import { z } from 'zod';
import { type ConnectionsFileDefaults, readConnectionsFile } from '../connections_format.ts';
import type { Entry } from '../entry.ts';
import { type Flaw, quoted, type Read, type RejectedEntry } from '../rejected_entry.ts';

/** What Chatwoot's own set-up page has users consent to: mail on Graph, and mail protocols on Outlook. */
export const CHATWOOT_SCOPES = [
  'Mail.ReadWrite',
  'Mail.Send',
  'https://outlook.office.com/IMAP.AccessAsUser.All',
  'https://outlook.office.com/SMTP.Send',
];

/** Columns of the table `channel_email`; a row has more, which are not looked at. */
const row = z.object({
  id: z.union([z.int().positive(), z.string().regex(/^[1-9]\d{0,18}$/)]),
  account_id: z.union([z.int().positive(), z.string().regex(/^[1-9]\d{0,18}$/)]).nullish(),
  email: z.string().nullish(),
  provider: z.string().nullish(),
  provider_config: z.unknown(),
});

/** A row as `row_to_json` or ActiveRecord export it, as a connection `channel-{id}`. */
export function readChatwootChannel(value: unknown, line: number, defaults: ConnectionsFileDefaults): Read<Entry> {
  const parsed = row.safeParse(value);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => path.map(String).join('.') || 'the line'))];
    return {
      leftOut: leftOut('line', line, 'REFUSED', 'FIELD_INVALID', `${fields.join(', ')}: not as in channel_email`),
    };
  }
  const { id, account_id, email, provider, provider_config } = parsed.data;
  const what = `channel ${id}`;
  if (provider !== 'microsoft') {
    const said = provider == null || provider === '' ? 'has no provider' : `has the provider ${quoted(provider)}`;
    return { leftOut: leftOut(what, line, 'SKIPPED', 'NOT_MICROSOFT', said) };
  }
  const token = refreshTokenOf(provider_config);
  if (token === undefined) {
    return { leftOut: leftOut(what, line, 'REFUSED', 'FIELD_INVALID', 'provider_config holds no refresh_token') };
  }
  return readConnectionsFile(
    {
      connection: `channel-${id}`,
      refresh_token: token,
      external_id: `chatwoot:channel_email:${id}`,
      labels: account_id == null ? {} : { chatwoot_account_id: String(account_id) },
      // The mailbox may be a shared one, which the account that signed in merely opens.
      account: email == null || email === '' ? undefined : { email },
    },
    line,
    defaults,
  );
}

/** `jsonb` comes as an object, of some exports as its text. */
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

function leftOut(
  what: string,
  line: number,
  outcome: RejectedEntry['outcome'],
  reason: Flaw,
  why: string,
): RejectedEntry {
  const nextStep =
    outcome === 'SKIPPED'
      ? 'Nothing to do: the vault is for Microsoft accounts alone.'
      : 'Connect the inbox again in Chatwoot and export it anew, or let its user sign in with StartAuthorization.';
  return { outcome, line, what, reason, why, nextStep };
}
