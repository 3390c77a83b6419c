import type { App } from '../../model/app.ts';
import { createBoundedMap } from '../bounded_map.ts';
import { type AppHealth, type AppHealthParts, createAppHealth } from './app_health.ts';
import { createCredentialUses } from './credential_uses.ts';

/** The health of each app that was asked for. */
export interface AppHealths {
  of(app: App): AppHealth;
  forget(appUid: string): void;
}

interface Known {
  readonly health: AppHealth;
  readonly updateTime: number;
}

const MOST_APPS = 100_000;

export function createAppHealths(parts: Omit<AppHealthParts, 'app' | 'isCurrent' | 'isStale'>): AppHealths {
  const healths = createBoundedMap<Known>(MOST_APPS);
  const uses = createCredentialUses();
  /** Versions of apps when they were forgotten: what was read before then may be out of date. */
  const forgotten = createBoundedMap<number>(MOST_APPS);
  const versions = createBoundedMap<number>(MOST_APPS);

  return {
    of(app) {
      const found = healths.get(app.uid);
      // A caller that read the app before a change must not bring its old state back.
      if (found !== undefined && found.updateTime >= app.updateTime) return found.health;
      const isStale = app.version <= (forgotten.get(app.uid) ?? -1);
      const health: AppHealth = createAppHealth({
        ...parts,
        uses,
        app,
        isStale,
        isCurrent: () => healths.get(app.uid)?.health === health,
      });
      healths.set(app.uid, { health, updateTime: app.updateTime });
      versions.set(app.uid, app.version);
      return health;
    },
    forget(appUid) {
      const version = versions.get(appUid);
      if (version !== undefined) forgotten.set(appUid, version);
      healths.delete(appUid);
    },
  };
}
