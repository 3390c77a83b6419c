import { expect, test } from 'vitest';
import { limitedAddress } from '../../src/rpc/transport/peer_connection.ts';

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  [undefined, 'unix'],
])('a peer of %s counts as %s: an IPv6 network is one address', (address, counted) => {
  expect(limitedAddress(address)).toBe(counted);
});
