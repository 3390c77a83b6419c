import type { Cloud } from '../model/entra_app.ts';
import { ALL_CONSENTED, resourceIn } from '../model/microsoft_resource_uri.ts';
import { createMemo, type Memo } from './bounded_memo.ts';
import { isFullForm, parsePermission, permissionKey } from './delegated_permission.ts';
import type { Coverage } from './implied_permissions.ts';
import { byResource, type KnownPermissions, type Lookup, type Meaning, translate } from './translate_scopes.ts';

/** What the ceiling of one resource covers. */
interface Reach {
  readonly isAll: boolean;
  /** In lower case. Undefined: neither the ceiling nor the implicit permissions name the resource. */
  readonly names: ReadonlySet<string> | undefined;
}

/** A ceiling for the connections of one app. */
export interface Ceiling {
  /** Product scopes or permissions. */
  readonly scopes: readonly string[];
  /** The app's implicit permissions, which count as inside. */
  readonly implicit: readonly string[];
}

export interface CeilingParts {
  readonly catalog: string;
  readonly lookup: Lookup;
  readonly coverage: Coverage;
  readonly cloud: Cloud;
  readonly resource: string;
}

/** Finds permissions beyond ceilings. Results are remembered by the identity of the arrays, since cache hits repeat them. */
export function createScopeCeilings(known: KnownPermissions) {
  const reaches = new WeakMap<readonly string[], Memo<Reach>>();
  const results = new WeakMap<Reach, WeakMap<readonly string[], readonly string[]>>();

  function reachOf(ceiling: Ceiling, parts: CeilingParts): Reach {
    const resource = resourceIn(parts.cloud, parts.resource);
    const scopes = ceiling.scopes.flatMap((text) => meaningOf(text, parts.lookup, known) ?? []);
    const granted = scopes.map((meaning) => translate([meaning], parts.cloud)[resource]);
    const implicit = ceiling.implicit.flatMap((text) => parsePermission(text) ?? []);
    const all = [...granted, byResource(implicit, parts.cloud)[resource]].filter((names) => names !== undefined);
    const names = all.flat();
    return {
      isAll: names.includes(ALL_CONSENTED),
      names: all.length === 0 ? undefined : parts.coverage.reach(names),
    };
  }

  function rememberedReach(ceiling: Ceiling, parts: CeilingParts): Reach {
    const { scopes, implicit } = ceiling;
    let memo = reaches.get(scopes);
    if (memo === undefined) {
      memo = createMemo(500);
      reaches.set(scopes, memo);
    }
    const key = `${parts.catalog} ${parts.cloud} ${parts.resource} ${implicit.join(' ')}`;
    return memo(key, () => reachOf(ceiling, parts));
  }

  return {
    /** The permissions beyond the ceiling. `.default` stands for a resource that the ceiling does not name. */
    above(ceiling: Ceiling, parts: CeilingParts, permissions: readonly string[]): readonly string[] {
      const reach = rememberedReach(ceiling, parts);
      let ofReach = results.get(reach);
      if (ofReach === undefined) {
        ofReach = new WeakMap();
        results.set(reach, ofReach);
      }
      let above = ofReach.get(permissions);
      if (above === undefined) {
        above = beyond(reach, permissions);
        ofReach.set(permissions, above);
      }
      return above;
    },
  };
}

/** Also of a permission that the catalog does not accept as a scope. Undefined: neither a scope nor a permission. */
export function meaningOf(text: string, lookup: Lookup, known: KnownPermissions): Meaning | undefined {
  const meaning = lookup(text);
  if (meaning !== undefined) return meaning;
  const parsed = parsePermission(text);
  if (parsed === undefined) return undefined;
  const permission = known.get(permissionKey(parsed)) ?? (isFullForm(text) ? parsed : undefined);
  return permission && { scope: text, permissions: [permission] };
}

function beyond({ isAll, names }: Reach, permissions: readonly string[]): readonly string[] {
  if (isAll) return [];
  if (names === undefined) return permissions.length === 0 ? [ALL_CONSENTED] : permissions;
  return permissions.filter((name) => !names.has(name.toLowerCase()));
}
