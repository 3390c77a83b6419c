import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readCallers } from '../../src/config/read_callers_file.ts';
import { faultsOf } from './kubernetes_schema.ts';
import { only, written } from './manifests.ts';
import { MANIFESTS, prometheusRule } from './prometheus_rule.ts';

const manifests = [...written('base'), ...written('postgres')];
const pod = only(manifests, 'StatefulSet').spec.template.spec;
const [container] = pod.containers;

test.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
  'matches the schema of Kubernetes: %s %s',
  async (_kind, _name, manifest) => {
    expect(await faultsOf(manifest)).toEqual([]);
  },
);

test('the check of schemas finds wrong values and misspelled fields', async () => {
  const [service] = written('base').filter(({ kind }) => kind === 'Service');
  expect(await faultsOf({ ...service, spec: { ...service?.spec, clusterIp: 'None' } } as never)).toEqual([
    '/spec/clusterIp',
  ]);
  expect(await faultsOf({ ...service, spec: { ports: [{ port: 'grpc' }] } } as never)).toEqual([
    expect.stringContaining('spec/ports/0/port must be integer'),
  ]);
});

test('the pod meets the restricted security profile, with a read-only root file system', () => {
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
  });
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const kinds = pod.volumes.map(({ name: _, ...volume }: { name: string }) => Object.keys(volume)[0]);
  expect(kinds.filter((kind: string) => !['configMap', 'secret'].includes(kind))).toEqual([]);
});

test('the pod has the user and the data folder of the image', () => {
  const containerfile = readFileSync('deploy/Containerfile', 'utf8');
  expect(containerfile).toContain(`USER ${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}\n`);
  expect(containerfile).toContain(`VOLUME ["${container.volumeMounts[0].mountPath}"`);
});

test('probes, services, network policy and ServiceMonitor name ports of the container', () => {
  const ports = new Set(container.ports.map(({ name }: { name: string }) => name));
  const services = manifests.filter(({ kind }) => kind === 'Service').flatMap(({ spec }) => spec.ports);
  const { ingress } = only(manifests, 'NetworkPolicy').spec;
  const { endpoints } = only(manifests, 'ServiceMonitor').spec;
  const named = [
    ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => container[probe].httpGet.port),
    ...services.map(({ targetPort }: { targetPort: string }) => targetPort),
    ...ingress.flatMap((rule: { ports: { port: string }[] }) => rule.ports.map(({ port }) => port)),
  ];
  expect(new Set(named)).toEqual(ports);
  expect(services.map(({ name }: { name: string }) => name)).toContain(endpoints[0].port);
});

test.each(Object.entries(MANIFESTS))(
  '%s has the rules of docs: if not, run `npm run generate:alerts`',
  (path, source) => {
    expect(readFileSync(path, 'utf8')).toBe(prometheusRule(source));
  },
);

test('the callers file of the example is valid', () => {
  const file = 'deploy/kustomize/example/callers.yaml';
  const callers = readCallers(readFileSync(file, 'utf8'), file, { methods: [], isScopeOrPermission: () => false });
  expect(callers.keys.length).toBe(2);
});
