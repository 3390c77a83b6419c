import type { SecretSource } from '../model/secret_source.ts';
import { withoutVersion } from '../model/secret_source.ts';
import type { InspectionStore } from '../store/background_stores.ts';

/** What Azure tells of secrets in key vaults. */
export interface SecretChangeHandler {
  /**
   * A secret changed, or nears its end: what is in memory of it is forgotten, and the apps with credentials that refer to it are looked at
   * in the next round. Answers how many apps; 0: nobody refers to it. DATABASE_UNAVAILABLE.
   */
  onSecretChanged(secretUri: string): Promise<number>;
}

export interface SecretChangeHandlerParts {
  readonly inspections: Pick<InspectionStore, 'hasten'>;
  readonly secretSource: Pick<SecretSource, 'forget'>;
}

export function createSecretChangeHandler({
  inspections,
  secretSource,
}: SecretChangeHandlerParts): SecretChangeHandler {
  return {
    async onSecretChanged(secretUri) {
      const secret = withoutVersion(secretUri);
      // First: the round may begin at once, and must not find the old one.
      secretSource.forget(secret);
      return (await inspections.hasten(secret)).length;
    },
  };
}
