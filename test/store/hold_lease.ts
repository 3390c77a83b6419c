import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { openTestStores } from './open_test_stores.ts';

/** Takes a lease on a connection and lives until it is killed. Arguments: file, KEK in hex, connection uid. */
const [, , path = '', kek = '', connectionUid = ''] = process.argv;
const stores = await openTestStores({ path, keks: { current: createKek(Buffer.from(kek, 'hex')) } });
const held = await stores.grants.lease(connectionUid, { owner: 'doomed', resource: 'r', duration: 3_600_000 });
console.log(held === undefined ? 'refused' : 'held');
setInterval(() => {}, 1_000_000);
