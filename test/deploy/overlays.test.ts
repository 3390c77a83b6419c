import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { faultsOf, type Manifest } from './kubernetes_schema.ts';
import { hasKustomize, OVERLAYS, only, render } from './manifests.ts';

/** The settings of the vault. */
function environmentOf(manifests: readonly Manifest[]): Readonly<Record<string, string>> {
  const { envFrom } = only(manifests, 'StatefulSet').spec.template.spec.containers[0];
  const name = envFrom[0].configMapRef.name as string;
  return manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)?.data ?? {};
}

describe.skipIf(!hasKustomize)('rendered by kustomize', () => {
  test.each(OVERLAYS)('%s matches the schemas of Kubernetes', async (overlay) => {
    const faults = await Promise.all(render(overlay).map(faultsOf));
    expect(faults.flat()).toEqual([]);
  });

  test.each(OVERLAYS)('%s mounts every file that a setting names', (overlay) => {
    const manifests = render(overlay);
    const { volumeMounts } = only(manifests, 'StatefulSet').spec.template.spec.containers[0];
    const files = Object.values(environmentOf(manifests)).filter((value) => value.startsWith('/'));
    expect(files.length).toBeGreaterThan(2);
    const mounted = (file: string) =>
      volumeMounts.some(({ mountPath }: { mountPath: string }) => file.startsWith(`${mountPath}/`));
    expect(files.filter((file) => !mounted(file))).toEqual([]);
  });

  test('the vault accepts the settings of sqlite, with a public URL and a key source', () => {
    const own = {
      TOKENVAULT_PUBLIC_URL: 'https://vault.example.com',
      TOKENVAULT_KEY_SOURCE: 'keyvault-secret:https://example.vault.azure.net/secrets/root',
    };
    const config = readConfig({ ...environmentOf(render('sqlite')), ...own }, []);
    expect(config).toMatchObject({ adminAddress: '127.0.0.1:50052', databaseUrl: 'sqlite:./data/vault.db' });
  });

  test('the vault accepts the settings of postgres, as the example completes them', () => {
    expect(readConfig(environmentOf(render('example')), [])).toMatchObject({
      databaseUrl: 'postgres://token_vault@db.example.com/token_vault',
      keySource: 'keyvault-secret:https://example.vault.azure.net/secrets/token-vault-root-key',
    });
  });

  test('sqlite has one replica, and a volume that one pod can mount', () => {
    const { replicas, volumeClaimTemplates } = only(render('sqlite'), 'StatefulSet').spec;
    expect(replicas).toBe(1);
    expect(volumeClaimTemplates[0].spec.accessModes).toEqual(['ReadWriteOncePod']);
  });

  test('postgres has three replicas, each with a volume of its own, of which one may be evicted', () => {
    const manifests = render('postgres');
    const { replicas, selector, volumeClaimTemplates } = only(manifests, 'StatefulSet').spec;
    expect(replicas).toBe(3);
    expect(volumeClaimTemplates.length).toBe(1);
    expect(only(manifests, 'PodDisruptionBudget').spec).toMatchObject({ maxUnavailable: 1, selector });
  });

  test('an overlay sets the image, the namespace, the identity and the callers', () => {
    const manifests = render('example');
    const { spec } = only(manifests, 'StatefulSet').spec.template;
    expect(spec.containers[0].image).toBe('registry.example.com/token-vault:0.1.0');
    expect(new Set(manifests.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['token-vault']));
    expect(only(manifests, 'ServiceAccount').metadata.annotations).toEqual({
      'azure.workload.identity/client-id': '22222222-2222-4222-8222-222222222222',
    });
    expect(spec.volumes).toContainEqual({
      name: 'callers',
      configMap: { name: expect.stringMatching(/^token-vault-callers-/) },
    });
  });
});
