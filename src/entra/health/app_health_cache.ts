import { createBoundedCache } from '../../model/bounded_cache.ts';
import type { App } from '../../model/entra_app.ts';
import { type AppHealth, type AppHealthParts, createAppHealth } from './app_health.ts';
import type { CredentialUse } from './credential_choice.ts';

const MAX_APPS = 100_000;

/** The health of each app in use. */
export function createAppHealths(parts: Omit<AppHealthParts, 'app' | 'isCurrent' | 'isStale' | 'uses'>) {
  const healths = createBoundedCache<string, { readonly health: AppHealth; readonly updateTime: number }>(MAX_APPS);
  const uses = createBoundedCache<string, readonly CredentialUse[]>(10_000);
  /** Versions of apps when they were forgotten: an app that was read before may be out of date. */
  const forgotten = createBoundedCache<string, number>(MAX_APPS);
  const versions = createBoundedCache<string, number>(MAX_APPS);

  return {
    of(app: App): AppHealth {
      const found = healths.get(app.uid);
      // A caller that read the app before a change must not restore its old state.
      if (found !== undefined && found.updateTime >= app.updateTime) return found.health;
      const isStale = app.version <= (forgotten.get(app.uid) ?? -1);
      const isCurrent = () => healths.get(app.uid)?.health === health;
      const health: AppHealth = createAppHealth({ ...parts, uses, app, isStale, isCurrent });
      healths.set(app.uid, { health, updateTime: app.updateTime });
      versions.set(app.uid, app.version);
      return health;
    },
    forget(appUid: string) {
      const version = versions.get(appUid);
      if (version !== undefined) forgotten.set(appUid, version);
      healths.delete(appUid);
    },
    /** Also the versions: in a restored database, they may repeat with other content. */
    forgetAll() {
      for (const cache of [healths, forgotten, versions]) cache.clear();
    },
  };
}
