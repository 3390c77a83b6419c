import { isVaultError } from '../model/errors.ts';

/** Tells `count` how the work ended: `GRANTED`, or the reason. */
export async function counted<Result>(count: (outcome: string) => void, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await work();
    count('GRANTED');
    return result;
  } catch (error) {
    count(isVaultError(error) ? error.reason : 'INTERNAL');
    throw error;
  }
}
