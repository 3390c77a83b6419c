import type { AppCredentials } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { AdminClients, VaultAccess } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { EXIT } from '../exit_codes.ts';
import { findingsOf } from './credential_findings.ts';
import { reportJson, reportText } from './format_credential_report.ts';

/** The parsed options. */
export interface ReportFlags extends VaultAccess {
  readonly tenant?: string;
  /** Days. */
  readonly expiresWithin: number;
  /** Days. */
  readonly unusedFor: number;
  readonly json?: true;
}

/** Prints the credentials that need attention, and returns the exit code. */
export function reportCredentials(flags: ReportFlags): Promise<number> {
  return callVault(flags, async (clients) => {
    const { apps, unreachable } = await allCredentials(clients.apps, flags.tenant ?? 'tenants/-');
    const report = { ...findingsOf(apps, flags, Date.now()), unreachable };
    console.log(flags.json ? reportJson(report) : reportText(report, flags));
    return unreachable.length > 0 ? EXIT.DATA : EXIT.OK;
  });
}

async function allCredentials(service: AdminClients['apps'], parent: string) {
  const apps: AppCredentials[] = [];
  const unreachable: string[] = [];
  let pageToken = '';
  do {
    const page = await service.listCredentials({ parent, pageSize: 1_000, pageToken });
    apps.push(...page.apps);
    unreachable.push(...page.unreachable);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { apps, unreachable };
}
