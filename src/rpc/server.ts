import type { DescService } from '@bufbuild/protobuf';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { EventService } from '../gen/tokenvault/v1/event_service_pb.ts';
import { ScopeService } from '../gen/tokenvault/v1/scope_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../gen/tokenvault/v1/token_service_pb.ts';
import type { TlsFiles } from '../listeners/tls_files.ts';
import type { Duration } from '../model/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { WireService } from './messages/message_codec.ts';
import type { CallPipeline } from './pipeline/call_pipeline.ts';
import { adapt, type Implementation } from './pipeline/service_adapter.ts';
import { createAppService } from './services/app_service.ts';
import { createConnectionService } from './services/connection_service.ts';
import { createEventService } from './services/event_service.ts';
import { createHealthService, type HealthParts } from './services/health_service.ts';
import { createReflectionServices } from './services/reflection_service.ts';
import { createScopeService } from './services/scope_service.ts';
import { createTenantService } from './services/tenant_service.ts';
import { createTokenService } from './services/token_service.ts';
import type { ConnectionsParts } from './transport/connection_limits.ts';
import { openSockets } from './transport/grpc_server.ts';
import { loadTlsCredentials } from './transport/tls_credentials.ts';

/** What a listener serves beside health. */
export interface ServedServices {
  readonly services: readonly ServedService[];
  /** Whether it describes itself to whoever asks. */
  readonly reflection: boolean;
}

interface ServedService {
  readonly name: string;
  adapt(pipeline: CallPipeline, stopping: AbortSignal): WireService;
}

/** All that the services are made of. */
export type Rooms = Parameters<typeof createTenantService>[0] &
  Parameters<typeof createAppService>[0] &
  Parameters<typeof createConnectionService>[0] &
  Parameters<typeof createTokenService>[0] &
  Parameters<typeof createEventService>[0] &
  Parameters<typeof createScopeService>[0];

/** For products: a caller of this listener cannot even name an admin method. */
export function tokenServices(rooms: Rooms): ServedServices {
  return {
    services: [
      serve(TokenService, createTokenService(rooms)),
      serve(ConnectionService, createConnectionService(rooms)),
      serve(ScopeService, createScopeService(rooms)),
    ],
    reflection: false,
  };
}

/** For operators. */
export function adminServices(rooms: Rooms): ServedServices {
  return {
    services: [
      serve(TenantService, createTenantService(rooms)),
      serve(AppService, createAppService(rooms)),
      serve(EventService, createEventService(rooms)),
      ...tokenServices(rooms).services,
    ],
    reflection: true,
  };
}

export interface ServerParts extends ConnectionsParts {
  /** `host:port` or `unix:/path`; port 0 takes a free one. */
  readonly address: string;
  readonly services: ServedServices;
  readonly pipeline: CallPipeline;
  readonly readiness: HealthParts['readiness'];
  /** Undefined: plaintext, which beyond loopback only a mesh excuses. */
  readonly tls: TlsFiles | undefined;
  readonly plaintext: 'loopback' | 'mesh';
  readonly log: Log;
  readonly maxConnections?: number | undefined;
  /** For a request to come whole. Default: 10 s. */
  readonly readTimeout?: Duration | undefined;
  /** How often the TLS files are looked at. Default: 10 s. */
  readonly tlsInterval?: Duration | undefined;
}

export interface GrpcServer {
  /** As bound. */
  readonly address: string;
  /** Takes nothing new, ends streams, finishes what is under way, and cuts off what is left after the grace. */
  close(grace?: Duration): Promise<void>;
}

/** Throws FIELD_INVALID where the address or the TLS files cannot be used. */
export async function startGrpcServer(parts: ServerParts): Promise<GrpcServer> {
  const { services, reflection } = parts.services;
  const names = [...services.map(({ name }) => name), Health.typeName];
  const stopping = new AbortController();
  const { signal } = stopping;
  const tls =
    parts.tls && (await loadTlsCredentials({ files: parts.tls, interval: parts.tlsInterval, log: parts.log }));
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
