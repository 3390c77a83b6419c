import { isVaultError, type VaultError } from '../model/errors.ts';

/** For `catch`: the store knows that a name is taken, but not which one. `taken` names it, and has the same reason. */
export function alreadyExists(taken: VaultError): (error: unknown) => never {
  return (error) => {
    throw isVaultError(error, taken.reason) ? taken : error;
  };
}
