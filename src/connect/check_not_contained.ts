import { type App, homeDirectory } from '../model/entra_app.ts';
import type { Tenant } from '../model/tenant.ts';
import type { ConnectParts } from './connect_dependencies.ts';

interface Target {
  readonly tenant: Pick<Tenant, 'tenantId'>;
  readonly app: App;
  /** As far as it is known. Undefined: that of the app. */
  readonly directoryId: string | undefined;
}

/** Before each exchange with Entra, and again when the account is known. CONTAINED. */
export function checkNotContained({ contained }: Pick<ConnectParts, 'contained'>, target: Target): void {
  if (contained === undefined || contained.size === 0) return;
  const { tenant, app, directoryId = homeDirectory(app) } = target;
  contained.check({ tenantId: tenant.tenantId, app, directoryId });
}
