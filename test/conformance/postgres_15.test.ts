import { postgresConformance } from './postgres_conformance.ts';

await postgresConformance(15);
