import { toJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  WhoAmIResponse_CredentialKind as Kind,
  type ListCallersResponse,
  ListCallersResponseSchema,
} from '../../gen/tokenvault/v1/access_service_pb.ts';
import { openAdminClients, type VaultAccess } from '../admin_grpc_clients.ts';
import { printable } from '../error_text.ts';
import { EXIT } from '../exit_codes.ts';
import { failedCall } from '../failed_call.ts';
import { tableLines } from '../format_table.ts';
import { minuteOf } from '../status/format_times.ts';

export interface UsageFlags extends VaultAccess {
  readonly json?: true;
}

/** Prints when each credential of each caller was last used, and returns the exit code. */
export async function printCallersUsage(flags: UsageFlags): Promise<number> {
  const clients = await openAdminClients(flags);
  try {
    const response = await clients.access.listCallers({});
    console.log(flags.json ? jsonOf(response) : textOf(response));
    return EXIT.OK;
  } catch (error) {
    throw failedCall(error, 'ListCallers');
  } finally {
    clients.close();
  }
}

function jsonOf(response: ListCallersResponse): string {
  return toJsonString(ListCallersResponseSchema, response, { useProtoFieldName: true, alwaysEmitImplicit: true });
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
