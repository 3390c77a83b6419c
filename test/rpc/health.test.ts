import { afterEach, describe, expect, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { caller, type Stage, startStage, switchable } from './stage.ts';

let stage: Stage;
afterEach(() => stage?.close());

describe('health', () => {
  test('needs no authentication, and is not audited', async () => {
    stage = await startStage({ keys: [caller('mail', 'token_reader').known] });
    const health = stage.client(Health);

    expect(await health.check({})).toMatchObject({ status: Serving.SERVING });
    expect(await health.check({ service: 'tokenvault.v1.TokenService' })).toMatchObject({ status: Serving.SERVING });
    await expect(health.check({ service: 'nobody.v1.Nothing' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(stage.audit.entries).toEqual([]);
  });

  test('knows only the services of its own listener', async () => {
    stage = await startStage({ listener: 'token' });

    const { statuses } = await stage.client(Health).list({});

    expect(Object.keys(statuses).sort()).toEqual([
      '',
      'grpc.health.v1.Health',
      'tokenvault.v1.AccessService',
      'tokenvault.v1.ConnectionService',
      'tokenvault.v1.ScopeService',
      'tokenvault.v1.TokenService',
    ]);
  });

  test('reports each change to watchers, and ends when the vault stops', async () => {
    const { readiness, become, listeners } = switchable();
    stage = await startStage({ readiness });
    const watch = stage.client(Health).watch({})[Symbol.asyncIterator]();

    expect((await watch.next()).value).toMatchObject({ status: Serving.SERVING });
    become(false);
    expect((await watch.next()).value).toMatchObject({ status: Serving.NOT_SERVING });
    become(false);
    become(true);
    expect((await watch.next()).value).toMatchObject({ status: Serving.SERVING });

    const closed = stage.server.close(5_000);
    expect(await watch.next()).toMatchObject({ done: true });
    await closed;
    expect(listeners.size).toBe(0);
  });

  test('reports SERVICE_UNKNOWN for an unknown service', async () => {
    stage = await startStage();
    const watch = stage.client(Health).watch({ service: 'nobody.v1.Nothing' })[Symbol.asyncIterator]();

    expect((await watch.next()).value).toMatchObject({ status: Serving.SERVICE_UNKNOWN });
    await watch.return?.(undefined);
  });
});
