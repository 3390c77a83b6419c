import { openDatabase } from '../../src/store/open_database.ts';

/** Opens the database named by its argument, and prints how that went. */
try {
  const database = await openDatabase({ url: `sqlite:${process.argv[2]}` });
  await database.close();
  console.log('opened');
} catch (error) {
  console.log(JSON.stringify(error));
}
