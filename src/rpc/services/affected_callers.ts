import { accessLabelsOf, hasLabels } from '../../model/tenant_labels.ts';
import type { Authenticator } from '../pipeline/authenticator.ts';

type Labels = Readonly<Record<string, string>>;

/** Ids of the callers with a rule that selects a tenant with one of the labels, but not with the other ones. */
export function affectedCallers(
  authenticator: Pick<Authenticator, 'known'>,
  { before, after }: { readonly before: Labels; readonly after: Labels },
): readonly string[] {
  const labels = [accessLabelsOf(before), accessLabelsOf(after)] as const;
  const affected = authenticator.known().filter(({ rules }) =>
    rules.some(({ tenantLabels }) => {
      if (tenantLabels === undefined) return false;
      const [was, is] = labels.map((one) => hasLabels(one, tenantLabels));
      return was !== is;
    }),
  );
  return [...new Set(affected.map(({ id }) => id))].sort();
}
