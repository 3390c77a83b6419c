import { readAtMost, withRegularFile } from '../files/regular_file.ts';
import { isVaultError, VaultError } from '../model/errors.ts';

/** KEY_SOURCE_UNAVAILABLE unless it is a regular file of at most `mostBytes`. */
export async function readBoundedFile(path: string, mostBytes: number): Promise<string> {
  const unsuitable = () => unreadable(`${path} must be a regular file of at most ${mostBytes / 1_024} KiB.`);
  try {
    return await withRegularFile(path, { notRegular: unsuitable }, async (file) => {
      const content = await readAtMost(file, mostBytes);
      if (content === undefined) throw unsuitable();
      return content.toString('utf8');
    });
  } catch (error) {
    if (isVaultError(error)) throw error;
    throw unreadable(`Cannot read ${path}. Check that it exists and its permissions.`);
  }
}

function unreadable(message: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', message);
}
