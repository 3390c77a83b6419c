import { dirname, resolve } from 'node:path';
import type { Config } from './config.ts';

/** Backups of the folder would take both along. */
export function isKeyBesideDatabase({ keySource, databaseUrl }: Config): boolean {
  if (!keySource.startsWith('file:')) return false;
  const folderOf = (url: string) => resolve(dirname(url.slice(url.indexOf(':') + 1)));
  return `${folderOf(keySource)}/`.startsWith(`${folderOf(databaseUrl)}/`);
}
