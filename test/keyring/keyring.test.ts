import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkCanary, metaPlace, sealCanary } from '../../src/keyring/database_key_canary.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyring, type KeyringParts, VAULT, VAULT_UID } from '../../src/keyring/keyring.ts';
import { knownRootKey, openRootKeys, sealRootKeys } from '../../src/keyring/known_root_keys.ts';
import { computeMac, deriveMacKey } from '../../src/keyring/row_mac.ts';
import { corruptCause, dekVersionOf, kekIdOf } from '../../src/keyring/sealed_record.ts';
import { Secret } from '../../src/model/secret.ts';

const kekOf = (byte: number) => createKek(Buffer.alloc(32, byte));
const keyringOf = (parts: Partial<KeyringParts> = {}) =>
  createKeyring({ keks: { current: kekOf(1) }, deploymentId: 'deployment-1', ...parts });
const named = (tenantUid: string) => ({ tenantUid, tenantId: `id of ${tenantUid}` });
const placeOf = (tenantUid: string) => ({
  ...named(tenantUid),
  recordType: 'connection',
  recordUid: 'connection-1',
  column: 'refresh_token',
});
const ACME = placeOf('acme-uid');

function keyringWith(...tenantUids: string[]) {
  const keyring = keyringOf();
  for (const uid of tenantUids) keyring.adopt(keyring.newDek(named(uid)));
  return keyring;
}

function keyringOfVault() {
  const keyring = keyringOf();
  keyring.adopt(keyring.newDek(VAULT));
  return keyring;
}

describe('sealing', () => {
  test('opens secrets, text and bytes again', () => {
    const keyring = keyringWith('acme-uid');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 900 }), (value) => {
        expect(keyring.openSecret(ACME, keyring.seal(ACME, new Secret(value))).reveal()).toBe(value);
        expect(keyring.open(ACME, keyring.seal(ACME, value)).toString()).toBe(value);
        expect(keyring.open(ACME, keyring.seal(ACME, Buffer.from(value))).toString()).toBe(value);
      }),
    );
  });

  test('gives each tenant its own key', () => {
    const keyring = keyringWith('acme-uid', 'blue-uid');
    const sealed = keyring.seal(ACME, 'x');

    expect(() => keyring.open(placeOf('blue-uid'), sealed)).toThrow(reason('RECORD_CORRUPT'));
  });

  test('does not open in another deployment', () => {
    const first = keyringOf();
    const dek = first.newDek(named('acme-uid'));

    expect(() => keyringOf({ deploymentId: 'deployment-2' }).adopt(dek)).toThrow(reason('RECORD_CORRUPT'));
  });

  test('opens after a restart from the rows alone', () => {
    const before = keyringOf();
    const dek = before.newDek(named('acme-uid'));
    before.adopt(dek);
    const sealed = before.seal(ACME, 'x');

    const after = keyringOf();
    after.adopt(dek);

    expect(after.open(ACME, sealed).toString()).toBe('x');
  });

  test('a new DEK is not used before it is adopted', () => {
    const keyring = keyringOf();
    keyring.newDek(named('acme-uid'));

    expect(keyring.has('acme-uid')).toBe(false);
    expect(() => keyring.seal(ACME, 'x')).toThrow(reason('INTERNAL'));
  });

  test('reports each operation, and why a record did not open, to the meter', () => {
    const observed: string[] = [];
    const meter = {
      observe: (operation: string) => observed.push(operation),
      corrupt: (cause: string) => observed.push(cause),
    };
    const keyring = keyringOf({ meter });
    keyring.adopt(keyring.newDek(named('acme-uid')));
    const sealed = keyring.seal(ACME, 'x');

    expect(() => keyring.open({ ...ACME, column: 'other' }, sealed)).toThrow();
    expect(observed).toEqual(['unwrap', 'seal', 'tag', 'open']);

    expect(() => keyring.seal({ ...ACME, column: '\ud800' }, 'x')).toThrow(TypeError);
    expect(observed.slice(4)).toEqual(['seal']);
  });
});

describe('versions of a DEK', () => {
  test('the newest seals and the older ones still open, in any order of adoption', () => {
    const keyring = keyringWith('acme-uid');
    const old = keyring.seal(ACME, 'old');
    const second = keyring.newDek(named('acme-uid'), 2);
    keyring.adopt(second);

    expect(dekVersionOf(keyring.seal(ACME, 'new'))).toBe(2);
    expect(keyring.open(ACME, old).toString()).toBe('old');

    const other = keyringOf();
    other.adopt(second);
    other.adopt(keyring.rewrap(second, kekOf(1)));
    other.adopt(other.newDek(named('acme-uid'), 1));
    expect(dekVersionOf(other.seal(ACME, 'new'))).toBe(2);
  });

  test('are listed in their order, whichever was adopted first', () => {
    const keyring = keyringWith('acme-uid');
    const deks = [1, 10, 9].map((version) => keyring.newDek(named('acme-uid'), version));
    const other = keyringOf();
    for (const dek of deks.reverse()) other.adopt(dek);

    expect(other.versionsOf('acme-uid')).toEqual([1, 9, 10]);
  });

  test('a truncated row is refused as corrupt', () => {
    const dek = keyringOf().newDek(named('acme-uid'));

    expect(() => keyringOf().adopt({ ...dek, wrapped: dek.wrapped.subarray(1) })).toThrow(reason('RECORD_CORRUPT'));
  });

  test('none in the database leaves those that are loaded', () => {
    const keyring = keyringWith('acme-uid');
    keyring.readopt([]);

    expect(keyring.versionsOf('acme-uid')).toEqual([1]);
  });

  test('records below the floor of the newest version do not open, even with their DEK', () => {
    const keyring = keyringOf();
    const first = keyring.newDek(named('acme-uid'));
    keyring.adopt(first);
    const old = keyring.seal(ACME, 'old');
    const second = keyring.newDek(named('acme-uid'), 2);
    keyring.adopt(second);
    keyring.adopt(keyring.raiseFloor(second));

    expect(() => keyring.open(ACME, old)).toThrow(reason('RECORD_CORRUPT'));
    expect(keyring.open(ACME, keyring.seal(ACME, 'new')).toString()).toBe('new');

    const third = keyring.newDek(named('acme-uid'), 3);
    const other = keyringOf();
    for (const dek of [first, second, keyring.rewrap(third, kekOf(1))]) other.adopt(dek);
    expect(() => other.open(ACME, old)).toThrow(reason('RECORD_CORRUPT'));
  });

  test('versions that the database has no more are dropped, and what was to be opened with them still opens', () => {
    const keyring = keyringWith('acme-uid');
    const old = keyring.seal(ACME, 'old');
    const later = keyring.openSecretLater(ACME, old);
    keyring.readopt([keyring.raiseFloor(keyring.newDek(named('acme-uid'), 2))]);

    expect(keyring.versionsOf('acme-uid')).toEqual([2]);
    expect(() => keyring.open(ACME, old)).toThrow(reason('RECORD_CORRUPT'));
    expect(later().reveal()).toBe('old');
  });

  test('`has` returns whether a version is loaded, because another replica may have added one', () => {
    const keyring = keyringWith('acme-uid');

    expect(keyring.has('acme-uid', 1)).toBe(true);
    expect(keyring.has('acme-uid', 2)).toBe(false);
  });
});

describe('forgetting a tenant', () => {
  test('ends sealing and opening, and a row read before the deletion does not bring it back', () => {
    const keyring = keyringOf();
    const dek = keyring.newDek(named('acme-uid'));
    keyring.adopt(dek);
    const sealed = keyring.seal(ACME, 'x');

    keyring.forget('acme-uid');
    keyring.adopt(dek);
    keyring.readopt([dek]);

    expect(keyring.has('acme-uid')).toBe(false);
    expect(() => keyring.open(ACME, sealed)).toThrow(reason('TENANT_NOT_FOUND'));
    expect(() => keyring.seal(ACME, 'x')).toThrow(reason('TENANT_NOT_FOUND'));
    expect(() => keyring.blindIndex(named('acme-uid'), 'x')).toThrow(reason('TENANT_NOT_FOUND'));
  });

  test('does not affect other tenants', () => {
    const keyring = keyringWith('acme-uid', 'blue-uid');
    keyring.forget('blue-uid');

    expect(keyring.open(ACME, keyring.seal(ACME, 'x')).toString()).toBe('x');
  });
});

describe('the number of loaded tenants', () => {
  test('the one used longest ago is evicted first, the vault itself never', () => {
    const keyring = keyringOf({ capacity: 3 });
    for (const uid of [VAULT_UID, 'a', 'b']) keyring.adopt(keyring.newDek(named(uid)));
    keyring.seal(placeOf('a'), 'x');
    keyring.adopt(keyring.newDek(named('c')));

    expect([VAULT_UID, 'a', 'b', 'c'].filter((uid) => keyring.has(uid))).toEqual([VAULT_UID, 'a', 'c']);
  });

  test('a tenant passed to `has` stays while others are loaded, because sealing follows', () => {
    const keyring = keyringOf({ capacity: 3 });
    for (const uid of [VAULT_UID, 'a', 'b']) keyring.adopt(keyring.newDek(named(uid)));

    expect(keyring.has('a')).toBe(true);
    keyring.adopt(keyring.newDek(named('c')));

    expect(() => keyring.seal(placeOf('a'), 'x')).not.toThrow();
  });
});

describe('root keys', () => {
  test('the active one wraps, whichever is newer; a DEK under the other is adopted and rewrapped', () => {
    const before = keyringOf();
    const dek = before.newDek(named('acme-uid'));
    before.adopt(dek);
    const sealed = before.seal(ACME, 'x');

    const during = keyringOf({ keks: { current: kekOf(2), previous: kekOf(1) } });
    during.activate(kekOf(1));
    expect(kekIdOf(during.newDek(named('blue-uid')).wrapped)).toEqual(kekOf(1).id);
    const rewrapped = during.rewrap(dek, kekOf(2));

    const after = keyringOf({ keks: { current: kekOf(2) } });
    after.adopt(rewrapped);
    expect(after.open(ACME, sealed).toString()).toBe('x');
  });

  test('an unknown one is named together with the loaded ones', () => {
    const [kekId, currentKekId, previous] = [1, 2, 3].map((byte) => kekOf(byte).id.toString('hex'));
    const dek = keyringOf().newDek(named('acme-uid'));
    const other = keyringOf({ keks: { current: kekOf(2), previous: kekOf(3) } });

    for (const work of [
      () => other.adopt(dek),
      () => other.rewrap(dek, kekOf(2)),
      () => other.requireKek(`${kekId}`),
    ]) {
      const error = thrownBy(work);
      expect(error).toMatchObject({ reason: 'RECORD_CORRUPT', metadata: { kekId, currentKekId } });
      expect(corruptCause(error)).toBe('kek_unknown');
      for (const id of [kekId, currentKekId, previous]) expect(work).toThrow(id);
    }
  });

  test('an unknown one is refused as corrupt if there is no previous one either', () => {
    const dek = keyringOf().newDek(named('acme-uid'));
    expect(() => keyringOf({ keks: { current: kekOf(2) } }).adopt(dek)).toThrow(reason('RECORD_CORRUPT'));
  });

  test('the active one is the newer one, until another is activated', () => {
    const keyring = keyringOf({ keks: { current: kekOf(2), previous: kekOf(1) } });
    expect(keyring.activeKek().id).toEqual(kekOf(2).id);
    keyring.activate(keyring.requireKek(kekOf(1).id.toString('hex')));
    expect(keyring.activeKek().id).toEqual(kekOf(1).id);
  });
});

describe('the canary', () => {
  test('opens with its own keys and with no others', () => {
    const keyring = keyringOfVault();
    const sealed = sealCanary(keyring);

    expect(() => checkCanary(keyring, sealed)).not.toThrow();
    expect(() => checkCanary(keyringOfVault(), sealed)).toThrow(reason('RECORD_CORRUPT'));
  });

  test('is refused with another text, which another program wrote', () => {
    const keyring = keyringOfVault();
    const sealed = keyring.seal(metaPlace('canary'), 'other canary');

    expect(() => checkCanary(keyring, sealed)).toThrow(reason('RECORD_CORRUPT'));
  });
});

test('the record of root keys opens with its own keys and with no others', () => {
  const keyring = keyringOfVault();
  const rootKeys = [{ id: 'ab', activeTime: 1, retireTime: 2 }];
  const sealed = sealRootKeys(keyring, rootKeys);

  expect(openRootKeys(keyring, sealed)).toEqual(rootKeys);
  expect(() => openRootKeys(keyringOfVault(), sealed)).toThrow(reason('RECORD_CORRUPT'));
});

test('the records of the vault itself stay at the places of earlier releases', () => {
  const keyring = keyringOfVault();
  const open = (recordUid: string, sealed: Buffer) =>
    keyring
      .open({ tenantUid: 'vault', tenantId: 'vault', recordType: 'meta', recordUid, column: 'value' }, sealed)
      .toString();

  expect(open('canary', sealCanary(keyring))).toBe('tokenvault canary');
  expect(open('root_keys', sealRootKeys(keyring, []))).toBe('[]');
});

test('a root key is recorded by its id and version, and since when it is active', () => {
  const kek = createKek(Buffer.alloc(32, 1), 'v1');
  expect(knownRootKey(kek, 7)).toEqual({ id: kek.id.toString('hex'), keyVaultVersion: 'v1', activeTime: 7 });
});

describe('the name of a tenant', () => {
  const renamed = { ...ACME, tenantId: 'other' };

  test('is that of its keys: sealing, opening, indexes and MACs refuse another one', () => {
    const keyring = keyringWith('acme-uid');
    const sealed = keyring.seal(ACME, 'x');

    expect(keyring.nameOf('acme-uid')).toBe(ACME.tenantId);
    for (const work of [
      () => keyring.open(renamed, sealed),
      () => keyring.seal(renamed, 'x'),
      () => keyring.blindIndex(renamed, 'x'),
      () => keyring.mac({ ...renamed, resource: 'r', values: [] }),
      () => keyring.checkName(renamed),
    ]) {
      const error = thrownBy(work);
      expect(error).toMatchObject({ reason: 'RECORD_CORRUPT', metadata: { resource: 'tenants/other' } });
      expect(corruptCause(error)).toBe('name');
      expect(work).toThrow('tenants/other');
    }
  });

  test('is bound by the wrapping of its keys', () => {
    const dek = keyringOf().newDek(named('acme-uid'));

    expect(() => keyringOf().adopt({ ...dek, tenantId: 'other' })).toThrow(reason('RECORD_CORRUPT'));
  });
});

describe('the MAC of a row', () => {
  const row = { ...named('acme-uid'), recordType: 'app', recordUid: 'app-1', resource: 'tenants/acme/apps/a' };

  test('is accepted for its values and refused for others, none, and another row', () => {
    const keyring = keyringWith('acme-uid');
    const values = ['a', null, ['b', 'c'], ''];
    const mac = keyring.mac({ ...row, values });

    expect(() => keyring.checkMac({ ...row, values: ['a', undefined, ['b', 'c'], ''] }, mac)).not.toThrow();
    for (const other of [
      { ...row, values: ['a', '', ['b', 'c'], ''] },
      { ...row, values: ['a', null, ['bc'], ''] },
      { ...row, values: ['a', null, ['b'], 'c', ''] },
      { ...row, values: ['a', null, 'b', 'c', ''] },
      { ...row, values, recordUid: 'app-2' },
      { ...row, values, recordType: 'connection' },
    ]) {
      expect(() => keyring.checkMac(other, mac)).toThrow(reason('RECORD_CORRUPT'));
      expect(() => keyring.checkMac(other, mac)).toThrow(row.resource);
    }
    for (const none of [null, Buffer.alloc(0), mac.subarray(0, 33)]) {
      const error = thrownBy(() => keyring.checkMac({ ...row, values }, none));
      expect(error).toMatchObject({ reason: 'RECORD_CORRUPT', metadata: { resource: row.resource } });
      expect(corruptCause(error)).toBe('mac');
    }
  });

  test('refuses a value with a lone surrogate, which would equal another one in UTF-8', () => {
    expect(() => keyringWith('acme-uid').mac({ ...row, values: ['a\ud800'] })).toThrow(TypeError);
  });

  test('matches an independent implementation of the design', () => {
    const indexKey = Buffer.alloc(32, 7);
    const place = {
      deploymentId: 'deployment-1',
      tenantUid: 'acme-uid',
      tenantId: 'acme',
      recordType: 'app',
      recordUid: 'a',
    };
    const text = (value: string) => Buffer.concat([Buffer.from([1, 0, 0, 0, value.length]), Buffer.from(value)]);
    const message = Buffer.concat([
      Buffer.from([0x4d, 1]),
      ...['tokenvault/mac', 'deployment-1', 'acme-uid', 'acme', 'app', 'a'].map(text),
      Buffer.from([0]),
      Buffer.from([2, 0, 0, 0, 1]),
      text('b'),
      text(''),
    ]);
    const key = Buffer.from(hkdfSync('sha256', indexKey, '', 'tokenvault/v1/mac', 32));
    const mac = createHmac('sha256', key).update(message).digest();

    expect(computeMac(deriveMacKey(createSecretKey(indexKey)), place, [null, ['b'], ''])).toEqual(
      Buffer.concat([Buffer.from([0x4d, 1]), mac]),
    );
  });

  test('is counted with its cause if it is refused, and so is a name', () => {
    const causes: string[] = [];
    const keyring = keyringOf({ meter: { observe() {}, corrupt: (cause) => causes.push(cause) } });
    keyring.adopt(keyring.newDek(named('acme-uid')));

    expect(() => keyring.checkMac({ ...row, values: [] }, null)).toThrow(reason('RECORD_CORRUPT'));
    expect(() => keyring.checkName({ ...row, tenantId: 'other' })).toThrow(reason('RECORD_CORRUPT'));

    expect(causes).toEqual(['mac', 'name']);
  });

  test('differs between any two lists of values', () => {
    const keyring = keyringWith('acme-uid');
    const value = fc.oneof(fc.constant(null), fc.string({ maxLength: 3 }), fc.array(fc.string({ maxLength: 2 })));
    const values = fc.array(value, { maxLength: 3 });
    fc.assert(
      fc.property(values, values, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(keyring.mac({ ...row, values: one })).not.toEqual(keyring.mac({ ...row, values: other }));
      }),
    );
  });

  test('survives a new DEK, also when the first one is gone', () => {
    const keyring = keyringWith('acme-uid');
    const mac = keyring.mac({ ...row, values: ['a'] });

    const later = keyringOf();
    later.adopt(keyring.newDek(named('acme-uid'), 2));

    expect(() => later.checkMac({ ...row, values: ['a'] }, mac)).not.toThrow();
  });
});

describe('a blind index', () => {
  test('is the same for the same value, and differs between values and between tenants', () => {
    const keyring = keyringWith('acme-uid', 'blue-uid');
    const ada = keyring.blindIndex(named('acme-uid'), 'ada@acme.test');

    expect(ada).toMatch(/^[0-9a-f]{64}$/);
    expect(keyring.blindIndex(named('acme-uid'), 'ada@acme.test')).toBe(ada);
    expect(keyring.blindIndex(named('acme-uid'), 'eve@acme.test')).not.toBe(ada);
    expect(keyring.blindIndex(named('blue-uid'), 'ada@acme.test')).not.toBe(ada);
  });

  test('survives a new DEK, also when the first one is gone', () => {
    const keyring = keyringWith('acme-uid');
    const ada = keyring.blindIndex(named('acme-uid'), 'ada@acme.test');
    const second = keyring.newDek(named('acme-uid'), 2);

    const later = keyringOf();
    later.adopt(second);

    expect(later.blindIndex(named('acme-uid'), 'ada@acme.test')).toBe(ada);
  });
});

function reason(expected: string) {
  return expect.objectContaining({ reason: expected });
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
