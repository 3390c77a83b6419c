import { eq, getTableColumns, sql } from 'drizzle-orm';
import type { Logo } from '../../model/logo.ts';
import { type Database, placeholders, type Step } from '../database.ts';

/** The rows of logos, for the commits of their apps. */
export interface LogoRows {
  find(hash: string): Promise<Logo | undefined>;
  upsert(appUid: string, logo: Logo): Step;
  delete(appUid: string): Step;
}

export function createLogoRows(database: Database): LogoRows {
  const { appLogos } = database.tables;
  const all = placeholders(getTableColumns(appLogos));

  // Several apps may show the same image; it is one address.
  const find = database.rows('logos.find', (db) =>
    db.select().from(appLogos).where(eq(appLogos.hash, all.hash)).limit(1),
  );
  const upsert = database.write('logos.upsert', (db) =>
    db
      .insert(appLogos)
      .values(all)
      .onConflictDoUpdate({
        target: appLogos.appUid,
        set: { hash: sql`excluded.hash`, mediaType: sql`excluded.media_type`, image: sql`excluded.image` },
      }),
  );
  const deleteOne = database.write('logos.delete', (db) => db.delete(appLogos).where(eq(appLogos.appUid, all.appUid)));

  return {
    async find(hash) {
      const row = await find.first({ hash });
      return row && { mediaType: row.mediaType, image: row.image, hash: row.hash };
    },
    upsert: (appUid, { mediaType, image, hash }) =>
      upsert.step({ appUid, hash, mediaType, image: Buffer.from(image) }, 1),
    delete: (appUid) => deleteOne.step({ appUid }),
  };
}
