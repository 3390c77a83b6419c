import { beforeAll, describe, expect, test } from 'vitest';
import type { Branding } from '../../src/model/branding.ts';
import { checkBranding } from '../../src/registry/check_branding.ts';
import { appFields, type OpenRegistry, openRegistry, refusal, registration } from './open_registry.ts';

const ALL: Branding = {
  termsUri: 'https://acme.example/legal?lang=en#terms',
  privacyUri: 'https://acme.example/privacy',
  accentColor: '#0f766e',
};

describe('the branding of an app', () => {
  let registry: OpenRegistry;
  beforeAll(async () => {
    registry = await openRegistry();
    await registry.tenants.register(registration());
  });
  const update = async (branding: Branding | undefined, updateMask?: readonly string[]) => {
    const fields = appFields({ branding });
    const { app } = await registry.apps.update({
      tenantId: 'acme',
      appId: 'default',
      etag: '',
      fields,
      updateMask,
    });
    return app.branding;
  };

  test('is stored, replaced as a whole, and removed by its name in the mask', async () => {
    expect(await update({ ...ALL, accentColor: '#0F766E' })).toEqual(ALL);
    expect((await registry.apps.get({ tenantId: 'acme', appId: 'default' })).app.branding).toEqual(ALL);
    expect(await update(undefined)).toEqual(ALL);
    expect(await update({ privacyUri: ALL.privacyUri }, ['branding'])).toEqual({ privacyUri: ALL.privacyUri });
    expect(await update(undefined, ['branding'])).toBeUndefined();
  });
});

describe('a link of the product', () => {
  test.each([
    ['http://acme.example/terms', 'https'],
    ['http://localhost/terms', 'https'],
    ['javascript:alert(1)', 'absolute URL'],
    ['data:text/html,x', 'absolute URL'],
    ['//acme.example/terms', 'absolute URL'],
    ['https://user:pw@acme.example/', 'user name'],
    ['https://@acme.example/', 'absolute URL'],
    ['https://acme.example\\@evil.example/', 'absolute URL'],
    ['https://acme.example/a b', 'absolute URL'],
    ['https://acme.example/#a b', 'printable'],
    ['https://acme.example/#a\n', 'printable'],
    [`https://acme.example/#${'a'.repeat(2_048)}`, '2048'],
    ['#terms', 'absolute URL'],
  ])('must not be %s', (uri, problem) => {
    for (const field of ['terms_uri', 'privacy_uri'] as const) {
      const name = field === 'terms_uri' ? 'termsUri' : 'privacyUri';
      expect(() => checkBranding('app.branding', { [name]: uri })).toThrow(`app.branding.${field}: `);
      expect(() => checkBranding('app.branding', { [name]: uri })).toThrow(problem);
    }
  });
});

describe('an accent colour', () => {
  test.each([
    ['#777777', '4.47 : 1'],
    ['#ffffff', '1.00 : 1'],
    ['#ffcc00', '1.51 : 1'],
  ])('%s is refused, because its contrast with white is too low', async (color, ratio) => {
    const error = await refusal((async () => checkBranding('app.branding', { accentColor: color }))());
    expect(error).toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'app.branding.accent_color' } });
    expect(String(error)).toContain(ratio);
    expect(String(error)).toContain('Choose a darker shade.');
  });

  test.each(['#fff', 'teal', 'rgb(0,0,0)', '#0f766e;}body{display:none', '#0f766g'])('must not be %s', (color) => {
    expect(() => checkBranding('app.branding', { accentColor: color })).toThrow(
      'app.branding.accent_color: must be a colour such as #0f766e',
    );
  });

  test('at the limit is accepted', () => {
    expect(checkBranding('app.branding', { accentColor: '#767676' })).toEqual({ accentColor: '#767676' });
    expect(checkBranding('app.branding', { accentColor: '' })).toBeUndefined();
  });
});
