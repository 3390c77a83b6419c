import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  WhoAmIResponse_CredentialKind as Kind,
  type ListCallersResponse,
  ListCallersResponseSchema,
} from '../../gen/tokenvault/v1/access_service_pb.ts';
import type { VaultAccess } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { printable } from '../error_text.ts';
import { EXIT } from '../exit_codes.ts';
import { tableLines } from '../format_table.ts';
import { messageJson } from '../message_json.ts';
import { minuteOf } from '../status/format_times.ts';

export interface UsageFlags extends VaultAccess {
  readonly json?: true;
}

/** Prints when each credential of each caller was last used, and returns the exit code. */
export function printCallersUsage(flags: UsageFlags): Promise<number> {
  return callVault(flags, async ({ access }) => {
    const response = await access.listCallers({});
    console.log(flags.json ? messageJson(ListCallersResponseSchema, response) : textOf(response));
    return EXIT.OK;
  });
}

/** A row for each credential. The longest unused come first. */
function textOf({ callers }: ListCallersResponse): string {
  const rows = callers.flatMap(({ caller, credentials, tenants, contained }) =>
    credentials.map(({ credential, kind, expireTime, lastUseTime }) => ({
      time: lastUseTime === undefined ? 0 : timestampMs(lastUseTime),
      cells: [
        lastUseTime === undefined ? 'never' : minuteOf(lastUseTime),
        expireTime === undefined ? 'never' : minuteOf(expireTime),
        `${tenants}`,
        `${KINDS[kind] ?? 'unknown'} ${credential}`,
        contained ? `${caller} (contained)` : caller,
      ].map(printable),
    })),
  );
  const head = ['LAST USED (UTC)', 'EXPIRES (UTC)', 'TENANTS', 'CREDENTIAL', 'CALLER'];
  return tableLines(
    head,
    rows.toSorted((one, other) => one.time - other.time).map(({ cells }) => cells),
  ).join('\n');
}

const KINDS: Readonly<Partial<Record<Kind, string>>> = {
  [Kind.LOOPBACK]: 'loopback',
  [Kind.API_KEY]: 'API key',
  [Kind.CERTIFICATE]: 'certificate',
  [Kind.TOKEN]: 'token',
};
