import type { DescService } from '@bufbuild/protobuf';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { AccessService } from '../gen/tokenvault/v1/access_service_pb.ts';
import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { ContainmentService } from '../gen/tokenvault/v1/containment_service_pb.ts';
import { EventService } from '../gen/tokenvault/v1/event_service_pb.ts';
import { KeyService } from '../gen/tokenvault/v1/key_service_pb.ts';
import { ScopeService } from '../gen/tokenvault/v1/scope_service_pb.ts';
import { StatusService } from '../gen/tokenvault/v1/status_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../gen/tokenvault/v1/token_service_pb.ts';
import type { TlsFiles, TlsReload } from '../listeners/tls_file_reload.ts';
import type { Duration } from '../model/clock.ts';
import type { Log } from '../telemetry/log_events.ts';
import { adapt, type Implementation } from './pipeline/authenticated_service_adapter.ts';
import type { CallPipeline } from './pipeline/call_pipeline.ts';
import { createAccessService } from './services/access_service.ts';
import { createAppService } from './services/app_service.ts';
import { createConnectionService } from './services/connection_service.ts';
import { createContainmentService } from './services/containment_service.ts';
import { createEventService } from './services/event_service.ts';
import { createHealthService, type HealthParts } from './services/health_service.ts';
import { createKeyService } from './services/key_service.ts';
import { createReflectionServices } from './services/reflection_service.ts';
import { createScopeService } from './services/scope_service.ts';
import { createStatusService } from './services/status_service.ts';
import { createTenantService } from './services/tenant_service.ts';
import { createTokenService } from './services/token_service.ts';
import { openSockets, type SocketParts } from './transport/open_grpc_listener.ts';
import { loadTlsCredentials } from './transport/reloading_tls_credentials.ts';
import type { WireService } from './transport/wire_service.ts';

/** Services of a listener, besides health. */
export interface ServedServices {
  readonly services: readonly ServedService[];
  /** Whether server reflection is enabled. */
  readonly reflection: boolean;
}

interface ServedService {
  readonly name: string;
  adapt(pipeline: CallPipeline, stopping: AbortSignal): WireService;
}

/** Dependencies of all services. */
export type ServiceParts = Parameters<typeof createTenantService>[0] &
  Parameters<typeof createAppService>[0] &
  Parameters<typeof createConnectionService>[0] &
  Parameters<typeof createTokenService>[0] &
  Parameters<typeof createEventService>[0] &
  Parameters<typeof createStatusService>[0] &
  Parameters<typeof createKeyService>[0] &
  Parameters<typeof createContainmentService>[0] &
  Parameters<typeof createScopeService>[0] &
  Parameters<typeof createAccessService>[0];

/** For products: admin methods do not exist on this listener. */
export function tokenServices(parts: ServiceParts): ServedServices {
  return {
    services: [
      serve(TokenService, createTokenService(parts)),
      serve(ConnectionService, createConnectionService(parts)),
      serve(ScopeService, createScopeService(parts)),
      serve(AccessService, createAccessService(parts)),
    ],
    reflection: false,
  };
}

/** For operators. */
export function adminServices(parts: ServiceParts): ServedServices {
  return {
    services: [
      serve(TenantService, createTenantService(parts)),
      serve(AppService, createAppService(parts)),
      serve(EventService, createEventService(parts)),
      serve(StatusService, createStatusService(parts)),
      serve(KeyService, createKeyService(parts)),
      serve(ContainmentService, createContainmentService(parts)),
      ...tokenServices(parts).services,
    ],
    reflection: true,
  };
}

export interface ServerParts extends Omit<SocketParts, 'services' | 'credentials'> {
  readonly services: ServedServices;
  readonly pipeline: CallPipeline;
  readonly readiness: HealthParts['readiness'];
  /** Undefined: plaintext, which requires loopback or a mesh. */
  readonly tls: TlsFiles | undefined;
  readonly log: Log;
  /** Polling interval of the TLS files. Default: 10 s. */
  readonly tlsInterval?: Duration | undefined;
}

export interface GrpcServer {
  /** As bound. */
  readonly address: string;
  /** Undefined: plaintext. */
  readonly tlsReload: Pick<TlsReload, 'check' | 'fault'> | undefined;
  /** Rejects new calls, ends streams, completes calls in progress, and closes the rest after the grace period. */
  close(grace?: Duration): Promise<void>;
}

/** FIELD_INVALID if the address or the TLS files are not usable. */
export async function startGrpcServer(parts: ServerParts): Promise<GrpcServer> {
  const { services, reflection } = parts.services;
  const names = [...services.map(({ name }) => name), Health.typeName];
  const stopping = new AbortController();
  const { signal } = stopping;
  const tls = parts.tls && (await loadTlsCredentials({ ...parts, files: parts.tls, interval: parts.tlsInterval }));
  try {
    const sockets = await openSockets({
      ...parts,
      services: [
        ...services.map((service) => service.adapt(parts.pipeline, signal)),
        createHealthService({ readiness: parts.readiness, services: names, stopping: signal }),
        ...(reflection ? createReflectionServices(names, signal) : []),
      ],
      credentials: tls?.credentials,
    });
    return {
      address: sockets.address,
      tlsReload: tls,
      async close(grace = 0) {
        stopping.abort();
        await sockets.drain(grace);
        tls?.close();
      },
    };
  } catch (error) {
    tls?.close();
    throw error;
  }
}

function serve<Service extends DescService>(service: Service, implementation: Implementation<Service>): ServedService {
  return { name: service.typeName, adapt: (pipeline, stopping) => adapt(service, implementation, pipeline, stopping) };
}
