import type { SecretSource } from '../model/key_vault_secret_reader_interface.ts';
import { withoutVersion } from '../model/key_vault_secret_reader_interface.ts';
import type { InspectionStore } from '../store/background_store_interfaces.ts';

/** Handles notifications of Azure Event Grid about Key Vault secrets. */
export type SecretChangeHandler = ReturnType<typeof createSecretChangeHandler>;

export function createSecretChangeHandler({
  inspections,
  secretSource,
}: {
  readonly inspections: Pick<InspectionStore, 'markDueBySecret'>;
  readonly secretSource: Pick<SecretSource, 'forget'>;
}) {
  return {
    /** A secret changed or is about to expire: clears its cache, and makes the inspection of all apps that refer to it due. Returns their number. DATABASE_UNAVAILABLE. */
    async onSecretChanged(secretUri: string): Promise<number> {
      const secret = withoutVersion(secretUri);
      // First, because the inspection may start at once.
      secretSource.forget(secret);
      return (await inspections.markDueBySecret(secret)).length;
    },
  };
}
