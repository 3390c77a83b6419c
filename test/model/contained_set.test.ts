import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createContainedSet, NOTHING_CONTAINED } from '../../src/model/contained_set.ts';
import { CONTAINMENT_KINDS, parseSubject, subjectOf } from '../../src/model/containment.ts';
import { isVaultError } from '../../src/model/errors.ts';

const containment = (subject: string) => ({ subject, reason: 'r', caller: 'ops', createTime: 1 });
const ids = fc.constantFrom('a', 'b', 'c');
const guids = fc.constantFrom('0a'.repeat(16), '0b'.repeat(16)).map(guidOf);
const subjects = fc.oneof(
  fc.constant('all'),
  ids.map((id) => `callers/${id}`),
  ids.map((id) => `tenants/${id}`),
  fc.tuple(ids, ids).map(([tenant, app]) => `tenants/${tenant}/apps/${app}`),
  guids.map((id) => `directories/${id}`),
);
const targets = fc.record({
  tenantId: ids,
  app: fc.option(fc.record({ tenantId: ids, appId: ids }), { nil: undefined }),
  directoryId: fc.option(
    fc.tuple(guids, fc.boolean()).map(([id, upper]) => (upper ? id.toUpperCase() : id)),
    {
      nil: undefined,
    },
  ),
});

function guidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function isRefused(check: () => void): boolean {
  try {
    check();
    return false;
  } catch (error) {
    expect(isVaultError(error, 'CONTAINED')).toBe(true);
    return true;
  }
}

describe('a set of containments', () => {
  test('refuses exactly the targets that one of its subjects names', () => {
    fc.assert(
      fc.property(
        fc.array(subjects, { maxLength: 4 }),
        fc.array(subjects, { maxLength: 2 }),
        targets,
        (stored, local, target) => {
          const contained = createContainedSet();
          contained.replaceStored(stored.map(containment));
          for (const subject of local) contained.addLocal(containment(subject));
          const { tenantId, app, directoryId } = target;
          const names = ['all', `tenants/${tenantId}`];
          if (app !== undefined) names.push(`tenants/${app.tenantId}`, `tenants/${app.tenantId}/apps/${app.appId}`);
          if (directoryId !== undefined) names.push(`directories/${directoryId.toLowerCase()}`);
          const all = [...stored, ...local];
          expect(contained.size).toBe(new Set(all).size);
          expect(isRefused(() => contained.check(target))).toBe(names.some((name) => all.includes(name)));
          for (const id of ['a', 'b', 'c'])
            expect(isRefused(() => contained.checkCaller(id))).toBe(all.includes(`callers/${id}`));
        },
      ),
    );
  });

  test('notifies of each change, and not of an equal set', () => {
    const contained = createContainedSet();
    let changes = 0;
    const stop = contained.listen(() => {
      changes += 1;
    });
    contained.replaceStored([containment('all')]);
    contained.replaceStored([containment('all')]);
    contained.addLocal(containment('all'));
    contained.removeLocal('all');
    expect(contained.removeLocal('all')).toBe(false);
    expect(changes).toBe(3);
    stop();
    contained.replaceStored([]);
    expect(changes).toBe(3);
  });

  test('a local containment stays when the stored one is lifted', () => {
    const contained = createContainedSet();
    contained.replaceStored([containment('tenants/a')]);
    contained.addLocal(containment('tenants/a'));
    contained.replaceStored([]);
    expect(isRefused(() => contained.check({ tenantId: 'a' }))).toBe(true);
    expect(contained.list()).toEqual([{ ...containment('tenants/a'), isLocal: true }]);
  });
});

test('the containments are listed by subject, the local ones next to the stored ones', () => {
  const contained = createContainedSet();
  contained.addLocal(containment('tenants/b'));
  contained.addStored(containment('tenants/c'));
  contained.addStored(containment('tenants/a'));
  contained.addLocal(containment('tenants/d'));

  expect(contained.list().map(({ subject, isLocal }) => [subject, isLocal])).toEqual([
    ['tenants/a', false],
    ['tenants/b', true],
    ['tenants/c', false],
    ['tenants/d', true],
  ]);
  expect(contained.list()[0]).toEqual({ ...containment('tenants/a'), isLocal: false });
  expect(contained.size).toBe(4);
});

test('a stored containment that is added notifies, and an equal set in another order does not', () => {
  const contained = createContainedSet();
  let changes = 0;
  contained.listen(() => {
    changes += 1;
  });
  contained.addStored(containment('b'));
  contained.addStored(containment('a'));
  contained.replaceStored([containment('a'), containment('b')]);
  expect(changes).toBe(2);
  contained.replaceStored([containment('b'), containment('a')]);
  expect(changes).toBe(2);
  contained.replaceStored([containment('ab')]);
  expect(changes).toBe(3);
});

test('a refusal names what is contained, and the next step', () => {
  const contained = createContainedSet();
  contained.addStored(containment('callers/mail'));

  expect(() => contained.checkCaller('mail')).toThrow(
    expect.objectContaining({ metadata: { contained: 'callers/mail', nextStep: 'Lift' } }),
  );
  contained.addStored(containment('all'));
  expect(() => contained.check({ tenantId: 'a' })).toThrow(
    expect.objectContaining({ metadata: { contained: 'all', nextStep: 'Lift' } }),
  );
});

test('an empty set refuses nothing', () => {
  const { size, check, checkCaller, listen } = NOTHING_CONTAINED;
  check({ tenantId: 'a' });
  checkCaller('mail');
  expect([size, listen(() => {})()]).toEqual([0, undefined]);
});

describe('subjects', () => {
  test('each is parsed to what made it', () => {
    fc.assert(
      fc.property(subjects, (subject) => {
        const parsed = parseSubject(subject);
        expect(CONTAINMENT_KINDS).toContain(parsed?.kind);
        if (parsed !== undefined) expect(subjectOf(parsed)).toBe(subject);
      }),
    );
  });

  test.each([
    '',
    'callers/',
    'tenants/',
    'tenants/A',
    'tenants/a/apps',
    'tenants/a/apps/b/c',
    'tenants/a/keys/b',
    'tenants/a/apps/B',
    `x/${guidOf('0a'.repeat(16))}`,
    'directories/x',
    'ALL',
  ])('%j names nothing', (subject) => expect(parseSubject(subject)).toBeUndefined());

  test.each([
    ['caller', ''],
    ['caller', 'a b'],
    ['tenant', 'acme'],
    ['tenant', 'tenants/acme/apps/mail'],
    ['app', 'tenants/acme'],
    ['directory', 'contoso.example'],
  ] as const)('the %s %j is refused', (kind, id) => {
    expect(() => subjectOf({ kind, id })).toThrow(/^subject\./);
  });

  test('a caller can have an id of 256 characters', () => {
    const id = 'x'.repeat(256);
    expect(subjectOf({ kind: 'caller', id })).toBe(`callers/${id}`);
    expect(() => subjectOf({ kind: 'caller', id: `${id}x` })).toThrow('subject.caller');
  });

  test('a directory is contained in any case of its id', () => {
    const id = guidOf('AB'.repeat(16));
    expect(subjectOf({ kind: 'directory', id })).toBe(`directories/${id.toLowerCase()}`);
  });
});
